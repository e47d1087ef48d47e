/** `npm run bench`: real Kafka, the events loaded once, the contenders in turn. See README.md here. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { type Contender, pipelineContenders, windowContenders } from './contenders.ts';
import { type Counted, type Load, WINDOW_MS } from './job.ts';
import { BenchKafka } from './kafka.ts';
import { type Latency, measureLatency } from './latency.ts';
import { type Measurement, measure } from './measure.ts';
import { buildPeers } from './peers.ts';
import { loadPipeline } from './pipeline/load.ts';
import { latencyTable, line, medians, table, writeSummary } from './report.ts';
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
  write: boolean;
}

function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('a whole number');
  return Number(text);
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
  .option('--latency <seconds>', 'measures latency, too, for so long each; 0: not', whole, 0)
  .option('--load <n>', 'events per second for all, next to half of what each can do', whole, 50_000)
  .option('--write', 'the table into bench/README.md', false)
  .parse()
  .opts<Flags>();

async function windowsRace(kafka: BenchKafka): Promise<Measurement[]> {
  const { events, bytes: event_bytes, partitions } = flags;
  const options = { ...common(), events, event_bytes };
  return race(
    kafka,
    await timed(loadWindows(kafka, 'bench.events', partitions, options)),
    windowContenders(),
  );
}

/** Of three records two are predictions. */
async function pipelineRace(kafka: BenchKafka): Promise<Measurement[]> {
  const topics = { predictions: 'bench.predictions', feedback: 'bench.feedback' };
  const options = { ...common(), predictions: Math.round((flags.events * 2) / 3) };
  return race(
    kafka,
    await timed(loadPipeline(kafka, topics, flags.partitions, options)),
    pipelineContenders(),
  );
}

function common() {
  const { seed, keys, minutes } = flags;
  const span_ms = minutes * 60_000;
  // Over before now, as is all that an application has sent.
  const from_ms = Math.floor((Date.now() - span_ms - 3_600_000) / WINDOW_MS) * WINDOW_MS;
  return { seed, keys, from_ms, span_ms };
}

async function timed<Answer extends Counted>(loading: Promise<Load<Answer>>): Promise<Load<Answer>> {
  const begun_ms = Date.now();
  const load = await loading;
  console.log(`${load.events} events loaded in ${((Date.now() - begun_ms) / 1000).toFixed(1)} s`);
  return load;
}

async function race<Answer extends Counted>(
  kafka: BenchKafka,
  load: Load<Answer>,
  all: Contender[],
): Promise<Measurement[]> {
  const contenders = all.filter(({ name }) => new RegExp(flags.only, 'i').test(name));
  const measured: Measurement[] = [];
  for (let round = 1; round <= flags.repeat; round++)
    for (const [index, contender] of contenders.entries()) {
      const outcome = await measure(kafka, load, contender, `run-${round}-${index}`);
      if (outcome.kind === 'measured') measured.push(outcome.measurement);
      const said =
        outcome.kind === 'measured' ? line(outcome.measurement) : `FAILED: ${outcome.reasons.join('\n  ')}`;
      console.log(`${round} ${contender.name.padEnd(32)} ${said}`);
    }
  return measured;
}

/** Of those who are exactly once: at half of what each can do, and at the same load for all. */
async function latencyRace(kafka: BenchKafka, measured: readonly Measurement[]): Promise<Latency[]> {
  const { partitions, keys, latency: seconds } = flags;
  const found: Latency[] = [];
  for (const { contender: name, events_per_s } of medians(measured)) {
    const contender = windowContenders().find((one) => one.name === name)!;
    if (contender.family === 'kafkajs' || contender.guarantee !== 'exactly_once') continue;
    for (const rate of [flags.load, Math.round(events_per_s / 2_000) * 1_000]) {
      const run = `latency-${found.length}-${rate}`;
      const outcome = await measureLatency(kafka, contender, run, { rate, seconds, partitions, keys });
      if (outcome.kind === 'measured') found.push(outcome.latency);
      const said =
        outcome.kind === 'measured'
          ? `p50 ${outcome.latency.p50_ms} ms, p99 ${outcome.latency.p99_ms} ms`
          : `FAILED: ${outcome.reasons.join('\n  ')}`;
      console.log(`${name} at ${rate}/s: ${said}`);
    }
  }
  return found;
}

buildPeers();
const kafka = await BenchKafka.start();
try {
  const measured = await (flags.job === 'windows' ? windowsRace(kafka) : pipelineRace(kafka));
  console.log(`\n${table(measured)}`);
  const args = process.argv.slice(2);
  if (flags.write) writeSummary(flags.job, args, table(measured));
  if (flags.latency > 0) {
    const latencies = latencyTable(await latencyRace(kafka, measured));
    console.log(`\n${latencies}`);
    if (flags.write) writeSummary('latency', args, latencies);
  }
} finally {
  await kafka.stop();
}
