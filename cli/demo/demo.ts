/** The main job: mails through the whole loop, on an embedded broker of its own. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { startBroker } from '../../broker/broker.ts';
import { openRegistry } from '../../deploy/registry.ts';
import { KAFKA_DEFAULTS, type KafkaSettings } from '../../engine/kafka.ts';
import type { Plan } from '../../engine/plan.ts';
import { Processor } from '../../engine/processor.ts';
import { trainingJobs } from '../../engine/training_jobs.ts';
import type { Alert } from '../../messages/assessment.ts';
import { parseDuration } from '../../messages/duration.ts';
import { ErrataError } from '../../messages/errata_error.ts';
import type { Rollout } from '../../messages/rollout.ts';
import { openTrainingPool } from '../../training/pool.ts';
import { loadTrainer } from '../../training/trainer.ts';
import { DEPLOYMENT_ID, MailApplication } from './application.ts';
import { promoteFirst, recipeOf, trainOnFirst } from './first_model.ts';
import { type Mail, readMails } from './mails.ts';
import { observe, TOPICS_OF_RESULTS } from './observe.ts';
import { type ReaderRates, readersFeedback } from './readers.ts';
import { replay } from './replay.ts';
import { type Classified, type DemoResult, monthOf, monthTable, summarise } from './report.ts';
import { ServedModel } from './served_model.ts';

/** The first model is trained on as many mails, with their labels; every later one is replayed. */
const FIRST_MAILS = 2_000;
const ROLLOUT_TOPIC = { name: TOPICS_OF_RESULTS.rollouts, partitions: 4 };

export interface DemoOptions {
  plan: Plan;
  seed: number;
  rates: ReaderRates;
  kafka_port: number;
  /** Kept after the end; undefined: a temporary folder that is removed. */
  data_dir: string | undefined;
  log: Logger;
  say(line: string): void;
}

export interface RunningDemo {
  result: DemoResult;
  table: string;
  broker_address: string;
  processor: Processor;
  stop(): Promise<void>;
}

/** What was started, to be ended in the opposite order. */
type Closing = (() => unknown)[];

/** Replays all mails. Broker, topics and processor stay up until `stop`. */
export async function runDemo(options: DemoOptions): Promise<RunningDemo> {
  const closing: Closing = [];
  const stop = async () => {
    for (const close of closing.splice(0).reverse()) await close();
  };
  try {
    return { ...(await start(options, closing)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(options: DemoOptions, closing: Closing): Promise<Omit<RunningDemo, 'stop'>> {
  const { say, seed, plan, log } = options;
  const folder = openFolder(options.data_dir);
  closing.push(folder.remove);
  const broker = await startBroker({ port: options.kafka_port, data_dir: join(folder.path, 'broker') });
  closing.push(() => broker.stop());
  const kafka: KafkaSettings = { brokers: [broker.address], client_id: 'errata-demo', ...KAFKA_DEFAULTS };
  say(`embedded broker on ${broker.address}, data in ${folder.path}`);

  const mails = readMails();
  const [base, later] = [mails.slice(0, FIRST_MAILS), mails.slice(FIRST_MAILS)];
  say(`${mails.length} dated mails, ${dayOf(mails[0]!)} to ${dayOf(mails.at(-1)!)}`);

  const registry = openRegistry(join(folder.path, 'registry'));
  const pool = openTrainingPool();
  closing.push(() => pool.close());
  const recipe = recipeOf(plan);
  const first_version = await trainOnFirst(base, recipe, seed, { registry, pool });
  const { topology } = plan;
  await promoteFirst(first_version, base.at(-1)!.time_ms, { kafka, topic: ROLLOUT_TOPIC, topology, log });
  say(`first model ${first_version}, trained on the first ${base.length} mails and their labels`);

  const runJob = trainingJobs({ kafka, registry, pool, log });
  const processor = await Processor.start(plan, { kafka, log, runJob });
  closing.push(() => processor.stop());
  sayVerdicts(processor, say);

  const trainer = await loadTrainer(recipe.trainer_url);
  const served = new ServedModel(
    { deployment_id: DEPLOYMENT_ID, registry, trainer, kafka, log },
    ROLLOUT_TOPIC,
  );
  closing.push(() => served.stop());
  await served.caughtUp();
  const first = await trainer.load((await registry.get(first_version)).bytes);
  const application = new MailApplication({
    brokers: kafka.brokers,
    served,
    first,
    first_version,
    processor,
  });
  closing.push(() => application.close());

  const done = await replay(application, {
    mails: later,
    window_ms: windowOf(plan),
    readers: (mail, answer) => readersFeedback(mail, answer, seed, options.rates),
    onProgress: monthly(later.length, say),
  });
  const observed = await observe(
    kafka,
    { ...processor.plan.partitions, ...partitionsOf(ROLLOUT_TOPIC) },
    log,
  );
  return {
    result: summarise(seed, done, observed),
    table: monthTable(done, observed),
    broker_address: broker.address,
    processor,
  };
}

/** A folder of one's own choice must be empty: two replays in one log would be counted together. */
function openFolder(data_dir: string | undefined): { path: string; remove(): void } {
  if (data_dir === undefined) {
    const path = mkdtempSync(join(tmpdir(), 'errata-demo-'));
    return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
  }
  mkdirSync(data_dir, { recursive: true });
  if (readdirSync(data_dir).length > 0) {
    throw new ErrataError('E_DATA_DIR_NOT_EMPTY', `${data_dir} is not empty`, {
      hint: 'the replay starts from nothing: name another folder with --data, or empty this one',
    });
  }
  return { path: data_dir, remove: () => undefined };
}

/** How far the replay goes between two stops of its clock: the topology's window. */
function windowOf({ stages }: Plan): number {
  const window = stages.flatMap(({ actors }) => actors).find(({ kind }) => kind === 'window');
  return parseDuration((window?.config as { tumbling?: string } | undefined)?.tumbling ?? '7d');
}

function partitionsOf({ name, partitions }: { name: string; partitions: number }): Record<string, number> {
  return { [name]: partitions };
}

function sayVerdicts(processor: Processor, say: (line: string) => void): void {
  processor.onEmission(({ message, value }) => {
    if (message === 'alert') {
      const { kind, window_end, severity, error_rate, total_events } = value as Alert;
      const share = `${Math.round(error_rate * 100)} % of ${total_events} reports`;
      say(`  ${window_end.slice(0, 10)}  alert (${kind}): severity ${severity}, ${share} are complaints`);
    } else if (message === 'rollout') {
      const { kind, time, model_version, reason } = value as Rollout;
      say(
        `  ${time.slice(0, 10)}  retrained: ${model_version ?? 'no candidate'} ${kind === 'promote' ? 'promoted' : 'rejected'} (${reason})`,
      );
    }
  });
}

/** A line when a month is over. */
function monthly(
  total: number,
  say: (line: string) => void,
): (done: readonly Classified[], time_ms: number) => void {
  let said = '';
  return (done, time_ms) => {
    const month = monthOf(time_ms);
    if (month === said) return;
    said = month;
    const [frozen, live] = [
      done.filter((mail) => mail.frozen_wrong).length,
      done.filter((mail) => mail.live_wrong).length,
    ];
    say(
      `${month}  ${done.length} of ${total} mails; wrong so far: first model ${frozen}, live model ${live}`,
    );
  };
}

function dayOf({ time_ms }: Mail): string {
  return new Date(time_ms).toISOString().slice(0, 10);
}
