/** `npm run bench`: real Kafka, the events loaded once, the contenders in turn. See README.md here. */
import { Command, InvalidArgumentError } from 'commander';
import { windowContenders } from './contenders.ts';
import { BenchKafka } from './kafka.ts';
import { type Load, loadEvents } from './load.ts';
import { type Measurement, measure } from './measure.ts';
import { buildPeers } from './peers.ts';
import { table, writeSummary } from './report.ts';

export interface Flags {
  events: number;
  repeat: number;
  only: string;
  keys: number;
  partitions: number;
  bytes: number;
  minutes: number;
  seed: number;
  write: boolean;
}

const flags = new Command('bench')
  .option('--events <n>', 'events that are loaded', whole, 4_000_000)
  .option('--repeat <n>', 'rounds; medians are told', whole, 3)
  .option('--only <pattern>', 'contenders whose name matches', '')
  .option('--keys <n>', 'deployments', whole, 1_000)
  .option('--partitions <n>', 'of the topic with the events', whole, 4)
  .option('--bytes <n>', 'size of an event', whole, 310)
  .option('--minutes <n>', 'of event time that the events take', whole, 60)
  .option('--seed <n>', 'of the events', whole, 1)
  .option('--write', 'the table into bench/README.md', false)
  .parse()
  .opts<Flags>();

function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('a whole number');
  return Number(text);
}

const WINDOW_MS = 300_000;

async function load(kafka: BenchKafka): Promise<Load> {
  const { seed, events, keys, bytes, minutes, partitions } = flags;
  const span_ms = minutes * 60_000;
  const from_ms = Math.floor((Date.now() - span_ms - 3_600_000) / WINDOW_MS) * WINDOW_MS;
  const topic = 'bench.events';
  await kafka.createTopic(topic, partitions);
  const begun_ms = Date.now();
  const loaded = await loadEvents(kafka.brokers, topic, partitions, {
    seed,
    events,
    keys,
    event_bytes: bytes,
    from_ms,
    span_ms,
  });
  console.log(`${events} events loaded in ${((Date.now() - begun_ms) / 1000).toFixed(1)} s`);
  return loaded;
}

async function race(kafka: BenchKafka, loaded: Load): Promise<Measurement[]> {
  const contenders = windowContenders().filter(({ name }) => new RegExp(flags.only, 'i').test(name));
  const measured: Measurement[] = [];
  for (let round = 1; round <= flags.repeat; round++)
    for (const [index, contender] of contenders.entries()) {
      const outcome = await measure(kafka, loaded, contender, `run-${round}-${index}`);
      if (outcome.kind === 'measured') measured.push(outcome.measurement);
      const said =
        outcome.kind === 'measured' ? line(outcome.measurement) : `FAILED: ${outcome.reasons.join('\n  ')}`;
      console.log(`${round} ${contender.name.padEnd(32)} ${said}`);
    }
  return measured;
}

function line(measured: Measurement): string {
  const { events_per_s, events_per_s_with_start, cpu_s_per_m, cpu_s_per_m_with_start, peak_rss_bytes } =
    measured;
  return (
    `${(events_per_s / 1000).toFixed(0)} k/s (with start ${(events_per_s_with_start / 1000).toFixed(0)} k/s), ` +
    `CPU ${cpu_s_per_m.toFixed(2)} s/M (with start ${cpu_s_per_m_with_start.toFixed(2)}), ${(peak_rss_bytes / 2 ** 20).toFixed(0)} MiB`
  );
}

buildPeers();
const kafka = await BenchKafka.start();
try {
  const measured = await race(kafka, await load(kafka));
  console.log(`\n${table(measured)}`);
  if (flags.write) writeSummary(measured, process.argv.slice(2));
} finally {
  await kafka.stop();
}
