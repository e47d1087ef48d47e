/**
 * `npm run bench:soak`: the windows topology, exactly once, under a steady load with accelerated event time; what it and
 * Kafka hold is sampled, and must not grow once warm. All windows must be whole in the end.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { ContenderProcess } from './contender_process.ts';
import { errata } from './contenders.ts';
import { WINDOW_MS } from './job.ts';
import { BenchKafka } from './kafka.ts';
import { paceOf, produce } from './latency.ts';
import { whole } from './options.ts';
import { closedWindows, wrongWindows } from './paced/whole.ts';
import { TopicWatch } from './results_watch.ts';
import { HEADER, sampleUntil, trends } from './soak_samples.ts';
import { windowsJob } from './windows/job.ts';

const flags = new Command('soak')
  .option('--minutes <n>', 'of the clock', whole, 20)
  .option('--hours <n>', 'of event time', whole, 8)
  .option('--rate <n>', 'events per second', whole, 50_000)
  .option('--keys <n>', 'deployments', whole, 1_000)
  .option('--interval <s>', 'seconds between samples', whole, 10)
  .parse()
  .opts<{ minutes: number; hours: number; rate: number; keys: number; interval: number }>();

const PARTITIONS = 4;
const RUN = 'soak';
/** Segments, checks and cleaning are small and frequent enough for a balance to show within the run. */
const BROKER = {
  'log.retention.check.interval.ms': 5_000,
  'log.segment.bytes': 32 << 20,
  'log.roll.ms': 60_000,
};
const INPUT = { 'retention.ms': '-1', 'retention.bytes': String(256 << 20) };
const RESULTS = {
  'retention.ms': '-1',
  'retention.bytes': String(32 << 20),
  'segment.bytes': String(8 << 20),
};
const LAST_RESULTS_MS = 10_000;

const kafka = await BenchKafka.start(BROKER);
const load = { rate: flags.rate, seconds: flags.minutes * 60, partitions: PARTITIONS, keys: flags.keys };
const pace = paceOf(RUN, load, (flags.hours * 60) / flags.minutes);
const results_topic = `${RUN}.results`;
await kafka.createTopic(pace.topic, PARTITIONS, INPUT);
await kafka.createTopic(results_topic, PARTITIONS, RESULTS);
const counts = new Map<string, number>();
const watch = new TopicWatch(kafka.brokers, results_topic, PARTITIONS, ({ value }) => {
  const { key, answer } = windowsJob.parse(String(value));
  counts.set(key, answer.count);
});
const settings = {
  brokers: kafka.brokers,
  run: RUN,
  topics: { BENCH_EVENTS: pace.topic },
  results_topic,
  events: 0,
};
const soaked = new ContenderProcess(errata('windows.yaml', 2, 'exactly_once'), settings);
try {
  console.log(HEADER);
  const sent = produce(kafka.brokers, pace).then(() => delay(LAST_RESULTS_MS));
  const samples = await sampleUntil(
    Promise.race([sent, soaked.ended]),
    flags.interval * 1_000,
    soaked,
    kafka.folder,
  );
  const found = trends(samples);
  console.log();
  for (const { measure, mean, per_hour, grows } of found)
    console.log(
      `${measure}: ${mean.toFixed(1)} MiB, ${per_hour.toFixed(1)} MiB per hour${grows ? ', GROWS' : ''}`,
    );
  const starts = closedWindows(pace, WINDOW_MS);
  const wrong = wrongWindows(pace, counts, starts);
  console.log(`${starts.length} windows closed, ${wrong.length} of them not whole; ${counts.size} results`);
  if (wrong.length > 0 || starts.length === 0 || found.some(({ grows }) => grows)) process.exitCode = 1;
  console.log(process.exitCode === 1 ? `FAILED\n${soaked.said}` : 'flat, and nothing lost');
} finally {
  await soaked.kill();
  await watch.stop();
  await kafka.stop();
}
