/** `npm run bench`: real Kafka, the events loaded once, the contenders in turn. See README.md here. */
import { Command, Option } from 'commander';
import { type Contender, pipelineContenders, windowContenders } from './contenders.ts';
import { growth } from './growth.ts';
import { BenchKafka } from './kafka.ts';
import { type Latency, measureLatency } from './latency.ts';
import type { Measurement } from './measure.ts';
import { whole } from './options.ts';
import { buildPeers } from './peers.ts';
import { loadPipeline } from './pipeline/load.ts';
import { eventTimes, race, timed } from './race.ts';
import { growthTable, latencyTable, medians, table, writeSummary } from './report.ts';
import { loadWindows } from './windows/load.ts';

interface Flags {
  job: 'windows' | 'pipeline';
  events: number;
  repeat: number;
  only: string;
  keys: number;
  partitions: number;
  bytes: number;
  minutes: number;
  seed: number;
  latency: number;
  load: number;
  growth: boolean;
  write: boolean;
}

const flags = new Command('bench')
  .addOption(new Option('--job <name>', 'what they do').choices(['windows', 'pipeline']).default('windows'))
  .option('--events <n>', 'events that are loaded', whole, 4_000_000)
  .option('--repeat <n>', 'rounds; medians are told', whole, 3)
  .option('--only <pattern>', 'contenders whose name matches', '')
  .option('--keys <n>', 'deployments', whole, 1_000)
  .option('--partitions <n>', 'of the topics with the events', whole, 4)
  .option('--bytes <n>', 'size of an event of the windows', whole, 310)
  .option('--minutes <n>', 'of event time that the events take', whole, 60)
  .option('--seed <n>', 'of the events', whole, 1)
  .option('--latency <seconds>', 'of the windows: measures latency, too, for so long each; 0: not', whole, 20)
  .option('--load <n>', 'events per second for all, next to half of what each can do', whole, 50_000)
  .option('--growth', 'instead: more keys, more partitions, larger events', false)
  .option('--write', 'the tables into bench/README.md', false)
  .parse()
  .opts<Flags>();

async function windowsRace(kafka: BenchKafka): Promise<Measurement[]> {
  const { seed, keys, events, bytes: event_bytes, partitions, minutes, repeat } = flags;
  const options = { ...eventTimes(minutes), seed, keys, events, event_bytes };
  const load = await timed(loadWindows(kafka, 'bench.events', partitions, options));
  return race(kafka, load, chosen(windowContenders()), repeat);
}

/** Of three records two are predictions. */
async function pipelineRace(kafka: BenchKafka): Promise<Measurement[]> {
  const { seed, keys, events, partitions, minutes, repeat } = flags;
  const topics = { predictions: 'bench.predictions', feedback: 'bench.feedback' };
  const options = { ...eventTimes(minutes), seed, keys, predictions: Math.round((events * 2) / 3) };
  const load = await timed(loadPipeline(kafka, topics, partitions, options));
  return race(kafka, load, chosen(pipelineContenders()), repeat);
}

function chosen(contenders: Contender[]): Contender[] {
  const pattern = new RegExp(flags.only, 'i');
  return contenders.filter(({ name }) => pattern.test(name));
}

/** Of those who are exactly once: at half of what each can do, and at the same load for all. */
async function latencyRace(kafka: BenchKafka, measured: readonly Measurement[]): Promise<Latency[]> {
  const found: Latency[] = [];
  for (const { contender: name, events_per_s } of medians(measured)) {
    const contender = windowContenders().find((one) => one.name === name)!;
    if (contender.family === 'kafkajs' || contender.guarantee !== 'exactly_once') continue;
    for (const rate of [flags.load, Math.round(events_per_s / 2_000) * 1_000])
      found.push(...(await latencyOf(kafka, contender, rate)));
  }
  return found;
}

async function latencyOf(kafka: BenchKafka, contender: Contender, rate: number): Promise<Latency[]> {
  const { partitions, keys, latency: seconds } = flags;
  const run = `latency-${contender.family}-${contender.workers}-${rate}`;
  const outcome = await measureLatency(kafka, contender, run, { rate, seconds, partitions, keys });
  const at = `${contender.name} at ${rate}/s`;
  if (outcome.kind === 'failed') {
    console.log(`${at} FAILED: ${outcome.reasons.join('\n  ')}`);
    return [];
  }
  console.log(`${at}: p50 ${outcome.latency.p50_ms} ms, p99 ${outcome.latency.p99_ms} ms`);
  return [outcome.latency];
}

function tell(name: string, text: string): void {
  console.log(`\n${text}\n`);
  if (flags.write) writeSummary(name, process.argv.slice(2), text);
}

buildPeers();
const kafka = await BenchKafka.start();
try {
  if (flags.growth) tell('growth', growthTable(await growth(kafka, flags.events, flags.seed)));
  else {
    const measured = await (flags.job === 'windows' ? windowsRace(kafka) : pipelineRace(kafka));
    tell(flags.job, table(measured));
    if (flags.latency > 0 && flags.job === 'windows')
      tell('latency', latencyTable(await latencyRace(kafka, measured), flags.load));
  }
} finally {
  await kafka.stop();
}
