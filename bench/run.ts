/** `npm run bench`: real Kafka, the events loaded once, the contenders in turn. See README.md here. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { type Contender, pipelineContenders, windowContenders } from './contenders.ts';
import { type Counted, type Load, WINDOW_MS } from './job.ts';
import { BenchKafka } from './kafka.ts';
import { type Measurement, measure } from './measure.ts';
import { buildPeers } from './peers.ts';
import { loadPipeline } from './pipeline/load.ts';
import { line, table, writeSummary } from './report.ts';
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

buildPeers();
const kafka = await BenchKafka.start();
try {
  const measured = await (flags.job === 'windows' ? windowsRace(kafka) : pipelineRace(kafka));
  console.log(`\n${table(measured)}`);
  if (flags.write) writeSummary(measured, process.argv.slice(2), flags.job);
} finally {
  await kafka.stop();
}
