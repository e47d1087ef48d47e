/**
 * `npm run bench:takeover`: two processes of errata share the windows topology under load; one of them is killed (SIGKILL), again and
 * again. Told: the time from the kill to the first commit of the other for a partition that the killed one had.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { quantileSorted } from 'simple-statistics';
import type { TopologyView } from '../admin/topology_view.ts';
import { until } from '../test/harness/until.ts';
import { ContenderProcess } from './contender_process.ts';
import { errata } from './contenders.ts';
import { WINDOW_MS } from './job.ts';
import { BenchKafka } from './kafka.ts';
import { paceOf, produce } from './latency.ts';
import { whole } from './options.ts';
import { closedWindows, wrongWindows } from './paced/whole.ts';
import { TopicWatch } from './results_watch.ts';
import { windowsJob } from './windows/job.ts';

const flags = new Command('takeover')
  .option('--kills <n>', 'how many', whole, 20)
  .option('--rate <n>', 'events per second', whole, 5_000)
  .option('--keys <n>', 'deployments', whole, 1_000)
  .parse()
  .opts<{ kills: number; rate: number; keys: number }>();

const PARTITIONS = 4;
const RUN = 'takeover';
const GROUP = `${RUN}.bench`;
/** What takes longer for one kill, with the start of the next process, is a failure. */
const KILL_MAX_S = 60;
/** A commit that was under way at the kill may still come through; it is not a takeover. */
const UNDER_WAY_MS = 300;
const POLL_MS = 20;

const kafka = await BenchKafka.start();
/** As long as it may take at most; the load is ended with the last kill. */
const load = {
  rate: flags.rate,
  seconds: flags.kills * KILL_MAX_S,
  partitions: PARTITIONS,
  keys: flags.keys,
};
/** A window every 5 s. */
const pace = paceOf(RUN, load, 60);
const results_topic = `${RUN}.results`;
await kafka.createTopic(pace.topic, PARTITIONS);
await kafka.createTopic(results_topic, PARTITIONS);
const settings = {
  brokers: kafka.brokers,
  run: RUN,
  topics: { BENCH_EVENTS: pace.topic },
  results_topic,
  events: 0,
};

function newProcess(): ContenderProcess {
  return new ContenderProcess(errata('windows.yaml', 1, 'exactly_once'), settings);
}

/** Partitions of the events that a process works on. */
async function partitionsOf(process: ContenderProcess): Promise<number[]> {
  const address = /admin API on (\S+)/.exec(process.said)?.[1];
  if (address === undefined) return [];
  const response = await fetch(`${address}/topologies/bench`).catch(() => undefined);
  if (!response?.ok) return [];
  const { stages } = (await response.json()) as TopologyView;
  const inputs = stages
    .flatMap(({ tasks }) => tasks.filter(({ phase }) => phase === 'running'))
    .flatMap((task) => task.inputs);
  return inputs.filter(({ topic }) => topic === pace.topic).map(({ partition }) => partition);
}

async function committed(): Promise<Map<number, string>> {
  const [found] = await kafka.admin.fetchOffsets({ groupId: GROUP, topics: [pace.topic] });
  return new Map(found!.partitions.map(({ partition, offset }) => [partition, offset]));
}

/** Half of the partitions each, all of them running and committing. */
async function isShared(processes: readonly ContenderProcess[]): Promise<boolean> {
  const shares = await Promise.all(processes.map(partitionsOf));
  return shares.every((partitions) => partitions.length === PARTITIONS / processes.length);
}

/** Milliseconds from the kill to each orphan's first commit. */
async function takeovers(victim: ContenderProcess): Promise<number[]> {
  const orphans = new Set(await partitionsOf(victim));
  const killed_ms = performance.now();
  const gone = victim.kill();
  await delay(UNDER_WAY_MS);
  const before = await committed();
  const times: number[] = [];
  await until(
    async () => {
      const now = await committed();
      for (const partition of orphans)
        if (now.get(partition) !== before.get(partition)) {
          times.push(performance.now() - killed_ms);
          orphans.delete(partition);
        }
      await delay(POLL_MS);
      return orphans.size === 0;
    },
    'the other process commits for the partitions of the killed one',
    KILL_MAX_S * 1_000,
  );
  await gone;
  return times;
}

const counts = new Map<string, number>();
const watch = new TopicWatch(kafka.brokers, results_topic, PARTITIONS, ({ value }) => {
  const { key, answer } = windowsJob.parse(String(value));
  counts.set(key, answer.count);
});
const processes = [newProcess(), newProcess()];
const stop = new AbortController();
const sent = produce(kafka.brokers, pace, stop.signal);
try {
  const times: number[] = [];
  for (let kill = 0; kill < flags.kills; kill++) {
    await until(() => isShared(processes), 'both processes have their share', KILL_MAX_S * 1_000);
    // Anywhere between two commits.
    await delay(1_500 + ((kill * 373) % 1_000));
    const found = await takeovers(processes[kill % 2]!);
    times.push(...found);
    console.log(
      `kill ${kill + 1}: ${found.map((time_ms) => `${(time_ms / 1_000).toFixed(2)} s`).join(', ')}`,
    );
    processes[kill % 2] = newProcess();
  }
  stop.abort();
  await sent;
  const sorted = times.toSorted((a, b) => a - b);
  const tell = (share: number) => `p${share * 100} ${(quantileSorted(sorted, share) / 1_000).toFixed(2)} s`;
  console.log(`${sorted.length} tasks taken over after SIGKILL: ${tell(0.5)}, ${tell(0.99)}`);
  await delay(5_000);
  // Of those that were closed by then.
  const last_ms = Math.max(...[...counts.keys()].map((key) => Number(key.split('|')[0])));
  const starts = closedWindows(pace, WINDOW_MS).filter((start_ms) => start_ms < last_ms);
  const wrong = wrongWindows(pace, counts, starts);
  console.log(`${starts.length} windows closed meanwhile, ${wrong.length} of them not whole`);
  if (wrong.length > 0) process.exitCode = 1;
} finally {
  stop.abort();
  for (const one of processes) await one.kill();
  await watch.stop();
  await kafka.stop();
}
