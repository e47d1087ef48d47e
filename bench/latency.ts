/**
 * End-to-end latency: from the moment at which the record was due that lets the watermark pass a window's end, in the
 * last of the partitions, to the moment at which a consumer that reads committed gets the window's last word. Open loop:
 * counted from when the record was due, not from when it was sent.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ContenderProcess } from './contender_process.ts';
import type { Contender } from './contenders.ts';
import { WINDOW_MS, windowStartOf } from './job.ts';
import type { BenchKafka } from './kafka.ts';
import { closingTick, LATENCY_SPEED, type Pace, tickMs } from './paced/pace.ts';
import { closedWindows, wrongWindows } from './paced/whole.ts';
import { TopicWatch } from './results_watch.ts';
import { windowsJob } from './windows/job.ts';

const PRODUCER = join(import.meta.dirname, 'paced/producer.ts');
/** For starting, catching up and warming up. */
const WARM_UP_S = 20;
/** Within which the results of the last window have to come. */
const LAST_RESULTS_MS = 10_000;

export interface Latency {
  contender: string;
  rate: number;
  p50_ms: number;
  p99_ms: number;
  results: number;
  /** By how much the load itself was late at most. */
  load_late_ms: number;
}

export type LatencyOutcome = { kind: 'measured'; latency: Latency } | { kind: 'failed'; reasons: string[] };

/** The last word on each window and key: what it counts and when it was readable. */
type Words = Map<string, { count: number; at_ms: number }>;

export async function measureLatency(
  kafka: BenchKafka,
  contender: Contender,
  run: string,
  load: { rate: number; seconds: number; partitions: number; keys: number },
): Promise<LatencyOutcome> {
  const pace = paceOf(run, { ...load, seconds: WARM_UP_S + load.seconds });
  const results_topic = `${run}.results`;
  await kafka.createTopic(pace.topic, pace.partitions);
  await kafka.createTopic(results_topic, pace.partitions);
  const topics = { BENCH_EVENTS: pace.topic };
  const settings = { brokers: kafka.brokers, run, topics, results_topic, events: 0 };
  const words: Words = new Map();
  const watch = new TopicWatch(kafka.brokers, results_topic, pace.partitions, ({ value }) => {
    const { key, answer } = windowsJob.parse(String(value));
    words.set(key, { count: answer.count, at_ms: Date.now() });
  });
  const process = new ContenderProcess(contender, settings);
  try {
    const told = await produce(kafka.brokers, pace);
    await delay(LAST_RESULTS_MS);
    return judge(contender, pace, told, words, process.said);
  } finally {
    await process.kill();
    await watch.stop();
    await kafka.deleteTopicsOf(run);
  }
}

export function paceOf(
  run: string,
  load: { rate: number; seconds: number; partitions: number; keys: number },
  speed = LATENCY_SPEED,
): Pace {
  const span_ms = load.seconds * 1_000 * speed;
  const from_ms = Math.floor((Date.now() - span_ms - 3_600_000) / WINDOW_MS) * WINDOW_MS;
  return { topic: `${run}.events`, seed: 1, event_bytes: 310, from_ms, speed, ...load };
}

interface Told {
  begun_ms: number;
  late_ms: number;
}

/** Where the signal ends it before its time, `late_ms` is not known. */
export async function produce(brokers: string, pace: Pace, signal?: AbortSignal): Promise<Told> {
  const args = ['--disable-warning=ExperimentalWarning', PRODUCER, brokers, JSON.stringify(pace)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  signal?.addEventListener('abort', () => child.kill());
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  await once(child, 'close');
  const lines = said.trim().split('\n');
  if (signal?.aborted) return { ...JSON.parse(lines[0]!), late_ms: Number.NaN };
  if (lines.length !== 2) throw new Error(`the load did not come to its end: ${said}`);
  return { ...JSON.parse(lines[0]!), ...JSON.parse(lines[1]!) };
}

function judge(contender: Contender, pace: Pace, told: Told, words: Words, said: string): LatencyOutcome {
  const starts = closedWindows(pace, WINDOW_MS, (WARM_UP_S * 1_000) / tickMs(pace));
  const counts = [...words].map(([key, { count }]) => [key, count] as const);
  const wrong = wrongWindows(pace, counts, starts);
  if (wrong.length > 0)
    return { kind: 'failed', reasons: [`${wrong.length} of ${starts.length} windows are not whole`, said] };
  const closed_ms = new Map(
    starts.map((start_ms) => [start_ms, told.begun_ms + closingTick(pace, start_ms) * tickMs(pace)]),
  );
  const latencies = Float64Array.from(
    [...words].flatMap(([key, { at_ms }]) => {
      const since_ms = closed_ms.get(windowStartOf(key));
      return since_ms === undefined ? [] : [at_ms - since_ms];
    }),
  ).sort();
  const quantile = (share: number) => latencies[Math.floor(share * (latencies.length - 1))]!;
  const [p50_ms, p99_ms, results] = [quantile(0.5), quantile(0.99), latencies.length];
  const latency = { contender: contender.name, rate: pace.rate, p50_ms, p99_ms, results };
  return { kind: 'measured', latency: { ...latency, load_late_ms: told.late_ms } };
}
