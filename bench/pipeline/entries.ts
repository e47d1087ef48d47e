/**
 * How many entries the joins of the pipeline's contenders hold at most: `node bench/pipeline/entries.ts [--events 400000]`.
 *
 * They are asked five times a second while they run over the same events, which is why the race does not tell it. errata: entries
 * in the state of the stage that joins, windows on their way and accounts included. Kafka Streams: what RocksDB estimates of each store.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { TopologyView } from '../../admin/topology_view.ts';
import { ContenderProcess } from '../contender_process.ts';
import { type Contender, errata, kafkaStreams } from '../contenders.ts';
import type { Load } from '../job.ts';
import { BenchKafka } from '../kafka.ts';
import { buildPeers } from '../peers.ts';
import { eventTimes, timed } from '../race.ts';
import { ResultsWatch } from '../results_watch.ts';
import type { Judgement } from './answers.ts';
import { loadPipeline } from './load.ts';

const MINUTES = 60;
/** Wait and lateness of the join, for both. */
const KEPT_MINUTES = 15;
const PARTITIONS = 4;
const INTERVAL_MS = 200;
const TIMEOUT_MS = 300_000;

type Entries = Record<string, number>;

const { values } = parseArgs({ options: { events: { type: 'string', default: '400000' } } });
const predictions = Math.round((Number(values.events) * 2) / 3);

/** By store. */
async function heldBy({ family }: Contender, said: string): Promise<Entries> {
  return family === 'errata' ? heldByErrata(said) : heldByStreams(said);
}

async function heldByErrata(said: string): Promise<Entries> {
  const address = /admin API on (\S+)/.exec(said)?.[1];
  if (address === undefined) return {};
  const answer = await fetch(`${address}/topologies/bench-pipeline`);
  const { stages = [] } = (await answer.json()) as Partial<TopologyView>;
  const joining = stages.filter(({ actors }) => actors.some(({ kind }) => kind === 'capture'));
  const tasks = joining.flatMap((stage) => stage.tasks);
  return { join: tasks.reduce((sum, task) => sum + task.state_entries, 0) };
}

function heldByStreams(said: string): Entries {
  const last = [...said.matchAll(/^entries \{(.*)\}$/gm)].at(-1)?.[1] ?? '';
  return Object.fromEntries(
    [...last.matchAll(/([^ ,=]+)=(\d+)/g)].map(([, store, held]) => [store, Number(held)]),
  );
}

async function mostHeld(kafka: BenchKafka, load: Load<Judgement>, contender: Contender): Promise<Entries> {
  const run = `entries-${contender.family}`;
  const results_topic = `${run}.results`;
  await kafka.createTopic(results_topic, PARTITIONS);
  const { topics, events } = load;
  const settings = { brokers: kafka.brokers, run, topics, results_topic, events };
  const results = new ResultsWatch(kafka.brokers, results_topic, load);
  const process = new ContenderProcess(contender, settings);
  const most: Entries = {};
  try {
    const over = Promise.race([
      results.complete,
      process.ended,
      delay(TIMEOUT_MS, undefined, { ref: false }),
    ]);
    for (let is_over = false; !is_over; ) {
      is_over = await Promise.race([delay(INTERVAL_MS, false), over.then(() => true)]);
      const held = await heldBy(contender, process.said);
      for (const [store, entries] of Object.entries(held)) most[store] = Math.max(most[store] ?? 0, entries);
    }
    const is_whole = results.counted === load.counted && Object.keys(most).length > 0;
    if (!is_whole)
      throw new Error(`${contender.name} did not come to the end, or told nothing: ${process.said}`);
    return most;
  } finally {
    await process.kill();
    await results.stop();
    await kafka.deleteTopicsOf(run);
  }
}

buildPeers();
const kafka = await BenchKafka.start();
try {
  const topics = { predictions: 'bench.predictions', feedback: 'bench.feedback' };
  const options = { ...eventTimes(MINUTES), seed: 1, keys: 1_000, predictions };
  const load = await timed(loadPipeline(kafka, topics, PARTITIONS, options));
  const alive = Math.round((predictions * KEPT_MINUTES) / MINUTES);
  console.log(
    `within ${KEPT_MINUTES} minutes there are ${alive} predictions and some ${Math.round(alive / 2)} feedbacks`,
  );
  const streams = { ...kafkaStreams('pipeline', 2, 'exactly_once'), env: { BENCH_ENTRIES: 'true' } };
  for (const contender of [errata('pipeline.yaml', 2, 'exactly_once'), streams])
    console.log(`${contender.name}: at most ${JSON.stringify(await mostHeld(kafka, load, contender))}`);
} finally {
  await kafka.stop();
}
