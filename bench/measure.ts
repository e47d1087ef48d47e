/**
 * One run of one contender over all events. The clock starts when the broker has sent the first megabyte of them and
 * stops when the results, read committed, stand for all events; for who only reads, when it says that it has read all.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { compare } from './compare.ts';
import { ContenderProcess, type RunSettings } from './contender_process.ts';
import type { Contender } from './contenders.ts';
import type { Counted, Load } from './job.ts';
import type { BenchKafka } from './kafka.ts';

import { ResultsWatch } from './results_watch.ts';
import { cpuSeconds, peakRssBytes, writtenBytes } from './usage.ts';

const FIRST_BYTES = 1 << 20;
const TIMEOUT_MS = 300_000;

export interface Measurement {
  contender: string;
  events_per_s: number;
  /** With the time from the start of the process to the first events. */
  events_per_s_with_start: number;
  /** Between the same two moments as events_per_s, and of the process since its start; per million events. */
  cpu_s_per_m: number;
  cpu_s_per_m_with_start: number;
  peak_rss_bytes: number;
}

export type Outcome = { kind: 'measured'; measurement: Measurement } | { kind: 'failed'; reasons: string[] };

export async function measure<Answer extends Counted>(
  kafka: BenchKafka,
  load: Load<Answer>,
  contender: Contender,
  run: string,
): Promise<Outcome> {
  const results_topic = `${run}.results`;
  await kafka.createTopic(results_topic, load.partitions);
  const settings = {
    brokers: kafka.brokers,
    run,
    topics: load.topics,
    results_topic,
    events: load.events,
  };
  try {
    return contender.family === 'kafkajs'
      ? await measureReading(kafka, load, contender, settings)
      : await measureJob(kafka, load, contender, settings);
  } finally {
    await kafka.deleteTopicsOf(run);
  }
}

async function measureJob<Answer extends Counted>(
  kafka: BenchKafka,
  load: Load<Answer>,
  contender: Contender,
  settings: RunSettings,
): Promise<Outcome> {
  const results = new ResultsWatch(kafka.brokers, settings.results_topic, load);
  const clock = new Clock(kafka, contender, settings);
  try {
    const measurement = await clock.until(results.complete, load.events);
    if (measurement === undefined)
      return failed(`${results.counted} of ${load.counted} events are in the results`, clock);
    const differences = compare(load, results.said);
    if (differences.length === 0) return { kind: 'measured', measurement };
    return { kind: 'failed', reasons: [`${differences.length} differences`, ...differences.slice(0, 5)] };
  } finally {
    await clock.stop();
    await results.stop();
  }
}

async function measureReading<Answer extends Counted>(
  kafka: BenchKafka,
  load: Load<Answer>,
  contender: Contender,
  settings: RunSettings,
): Promise<Outcome> {
  const clock = new Clock(kafka, contender, settings);
  try {
    const measurement = await clock.until(clock.saidDone(), load.events);
    return measurement ? { kind: 'measured', measurement } : failed('it did not come to the end', clock);
  } finally {
    await clock.stop();
  }
}

function failed(what: string, clock: Clock): Outcome {
  return { kind: 'failed', reasons: [what, clock.said] };
}

/** The process and its times. */
class Clock {
  readonly #process: ContenderProcess;
  readonly #kafka: BenchKafka;
  readonly #contender: Contender;
  readonly #started_ms = performance.now();
  readonly #written_before: number;

  constructor(kafka: BenchKafka, contender: Contender, settings: RunSettings) {
    this.#kafka = kafka;
    this.#contender = contender;
    this.#written_before = writtenBytes(kafka.pid);
    this.#process = new ContenderProcess(contender, settings);
  }

  get said(): string {
    return this.#process.said;
  }

  saidDone(): Promise<number> {
    return this.#process.saying('done').then(() => performance.now());
  }

  /** Undefined where it ends or takes too long before `complete`. */
  async until(complete: Promise<number>, events: number): Promise<Measurement | undefined> {
    const given_up = new AbortController();
    const over = Promise.race([
      this.#process.ended,
      delay(TIMEOUT_MS, undefined, { signal: given_up.signal }),
    ]).then(
      () => undefined,
      () => undefined,
    );
    const first = await Promise.race([this.#firstBytes(given_up.signal), over]);
    const end_ms = await Promise.race([complete, over]);
    if (first === undefined || end_ms === undefined) {
      given_up.abort();
      return undefined;
    }
    given_up.abort();
    const cpu_s = cpuSeconds(this.#process.pid);
    return {
      contender: this.#contender.name,
      events_per_s: (events / (end_ms - first.time_ms)) * 1_000,
      events_per_s_with_start: (events / (end_ms - this.#started_ms)) * 1_000,
      cpu_s_per_m: ((cpu_s - first.cpu_s) / events) * 1e6,
      cpu_s_per_m_with_start: (cpu_s / events) * 1e6,
      peak_rss_bytes: peakRssBytes(this.#process.pid),
    };
  }

  async #firstBytes(signal: AbortSignal): Promise<{ time_ms: number; cpu_s: number } | undefined> {
    while (!signal.aborted) {
      if (writtenBytes(this.#kafka.pid) - this.#written_before >= FIRST_BYTES)
        return { time_ms: performance.now(), cpu_s: cpuSeconds(this.#process.pid) };
      await delay(5);
    }
    return undefined;
  }

  stop(): Promise<void> {
    return this.#process.kill();
  }
}
