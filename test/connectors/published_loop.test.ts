/**
 * The published loop by wire: feedback on a Pub/Sub subscription, judged window by window, both tables in BigQuery; errata is
 * killed five times on the way: twice before the first window is written, once between two, once while and once behind. Against the published rule, straight from its text.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { HEARTBEAT_HEADER } from '../../messages/heartbeat.ts';
import { randomStream } from '../../training/random.ts';
import type { MadeFeedback } from '../e2e/made_input.ts';
import { ruledWindows } from '../e2e/published_rule.ts';
import { type BigQueryEmulator, bigQueryEmulator } from '../harness/bigquery_emulator.ts';
import { embeddedBroker, temporaryFolder } from '../harness/embedded.ts';
import { ErrataProcess } from '../harness/errata_process.ts';
import { PROJECT as PUBSUB_PROJECT, type PubsubFake, withPubsubFake } from '../harness/pubsub_fake.ts';
import { until } from '../harness/until.ts';
import {
  countOf,
  type FeedbackRow,
  makePublishedTables,
  patternRows,
  userFeedback,
} from './published_tables.ts';

const PARTITIONS = 2;
const TOPOLOGY = `
topology: loop
partitions: ${PARTITIONS}
kafka: { properties: { session.timeout.ms: 6000, heartbeat.interval.ms: 1000 } }
sources:
  feedback: { pubsub: { subscription: feedback-sub }, topic: feedback, disorder: 1h }
actors:
  capture:  { from: feedback, join: none }
  stats:    { kind: window, from: capture, tumbling: 5m, lateness: 24h, idle: never }
  severity: { from: stats, strategies: [threshold] }
sinks:
  user_feedback: { from: feedback, bigquery: { table: loop.user_feedback } }
  patterns:      { from: severity.assessments, bigquery: { table: feedback_analysis.patterns } }
`;
const EVENTS = 100;
const WINDOW_MS = 300_000;
/** So many windows are past their lateness when errata is killed between the rows. */
const SOME_WINDOWS = 3;
const FROM_MS = Date.UTC(2024, 2, 1, 6);
const DAY_MS = 24 * 3_600_000;
/** Two days on: nothing of it is past its lateness with the first day. */
const LATER_WINDOW = (2 * DAY_MS) / WINDOW_MS;

interface Feeding {
  /** Of four that it speaks of, in any order. */
  first_window: number;
}

test('feedback-sub to both published tables, row for row, although errata is killed five times', {
  timeout: 600_000,
}, async (t) => {
  const fake = await withPubsubFake(t);
  const bigquery = fake && (await bigQueryEmulator(t));
  if (!bigquery) return;
  await makePublishedTables(bigquery);
  const [topic] = await fake.client().createTopic('feedback');
  await topic.createSubscription('feedback-sub');
  const broker = await embeddedBroker(t);
  const start = startIn(t, { ...fake.env, ...bigquery.env, KAFKA_BROKERS: broker.address });

  const all: MadeFeedback[] = [];
  const give = async (of: Feeding) => {
    const made = madeFeedback(of);
    all.push(...made);
    await publish(fake, made);
  };
  const feedbackRows = (least: number) => rowsIn(bigquery, 'loop.user_feedback', least);
  const patternsFrom = (least: number) => rowsIn(bigquery, 'feedback_analysis.patterns', least);
  const patternsNow = () => countOf(bigquery, 'feedback_analysis.patterns');
  let errata = start();
  const kill = async () => {
    errata.signal('SIGKILL');
    await errata.exited;
    errata = start();
  };

  // Two kills while no window is past its lateness.
  for (const first_window of [0, 3]) {
    await give({ first_window });
    await feedbackRows(all.length - EVENTS / 2);
    await kill();
  }
  assert.equal(await patternsNow(), 0, 'no window is past its lateness');
  // One between rows: the lateness of some windows is over, that of the others is not.
  await feedbackRows(all.length);
  const first_day = wantedPatterns(all).length;
  await passTime(broker.address, FROM_MS + (SOME_WINDOWS + 0.5) * WINDOW_MS + DAY_MS);
  await patternsFrom(SOME_WINDOWS);
  await kill();
  assert.equal(await patternsNow(), SOME_WINDOWS, `of ${first_day} windows of the first day`);
  assert.ok(SOME_WINDOWS < first_day);
  // One as soon as a further row is seen, with new feedback under way.
  await give({ first_window: LATER_WINDOW });
  await passTime(broker.address, FROM_MS + 1.5 * DAY_MS);
  await patternsFrom(SOME_WINDOWS + 1);
  await kill();
  // One behind the rows of the first day.
  await give({ first_window: LATER_WINDOW + 3 });
  await Promise.all([patternsFrom(first_day), feedbackRows(all.length - EVENTS / 2)]);
  await kill();

  await feedbackRows(all.length);
  assert.deepEqual(await userFeedback(bigquery), wantedRows(all));
  const wanted = wantedPatterns(all);
  await passTime(broker.address, FROM_MS + 5 * DAY_MS);
  await patternsFrom(wanted.length);
  assert.deepEqual(await patternRows(bigquery), wanted);
  t.diagnostic(
    `${all.length} feedback rows, ${wanted.length} windows, ${first_day} of them on the first day`,
  );
});

/** Waits until the table has so many rows. */
async function rowsIn(bigquery: BigQueryEmulator, table: string, least: number): Promise<void> {
  const has = async () => (await countOf(bigquery, table)) >= least;
  await until(has, `${least} rows in ${table}`, 120_000);
}

function startIn(t: TestContext, env: Record<string, string>): () => ErrataProcess {
  const file = join(temporaryFolder(t), 'topology.yaml');
  writeFileSync(file, TOPOLOGY);
  return () => new ErrataProcess(t, { files: [file], env: { ...env, PUBSUB_PROJECT_ID: PUBSUB_PROJECT } });
}

/** In the published shape: its time in seconds, its `input_stats` with it, no word of a deployment. */
function madeFeedback({ first_window }: Feeding): MadeFeedback[] {
  const random = randomStream('published loop', first_window);
  return Array.from({ length: EVENTS }, (_, n) => {
    const window = Math.floor(random() * 4) + first_window;
    const at_ms = FROM_MS + window * WINDOW_MS + Math.floor(random() * WINDOW_MS);
    const is_fault = random() < (window % 3) / 2.5;
    const id = {
      prediction_id: `p${String(first_window).padStart(3, '0')}-${String(n).padStart(4, '0')}`,
      session_id: `s${n % 7}`,
    };
    const said =
      n % 2 === 0
        ? {
            feedback_type: 'explicit' as const,
            rating: is_fault ? 1 : 4,
            ...(n % 4 === 0 ? { comment: `“no. ${n}”` } : {}),
          }
        : {
            feedback_type: 'implicit' as const,
            user_action: is_fault ? 'search' : 'click',
            time_to_action: is_fault ? 30.5 + n : 1.25,
          };
    const input_stats = { mean: Math.floor(random() * ((window % 12) + 1)) - 1.5, std: 0.7 };
    return { at_ms, body: { ...id, ...said, timestamp: at_ms / 1000, input_stats } };
  });
}

async function publish(fake: PubsubFake, made: readonly MadeFeedback[]): Promise<void> {
  const topic = fake.client().topic('feedback');
  await Promise.all(
    made.map(({ body }) => topic.publishMessage({ data: Buffer.from(JSON.stringify(body)) })),
  );
}

function wantedRows(all: readonly MadeFeedback[]): FeedbackRow[] {
  const bodies = all.map(({ at_ms, body }) => ({ ...(body as Partial<FeedbackRow>), at_ms }));
  return bodies
    .map(({ at_ms, ...body }) => ({
      session_id: body.session_id!,
      prediction_id: body.prediction_id!,
      feedback_type: body.feedback_type!,
      rating: body.rating ?? null,
      comment: body.comment ?? null,
      user_action: body.user_action ?? null,
      time_to_action: body.time_to_action ?? null,
      timestamp: new Date(at_ms).toISOString(),
    }))
    .sort((a, b) => (a.prediction_id < b.prediction_id ? -1 : 1));
}

function wantedPatterns(all: readonly MadeFeedback[]) {
  const windows = [...ruledWindows([], all)].map(
    ([id, window]) => [id.slice(id.lastIndexOf('/') + 1), window] as const,
  );
  return windows.sort(([a], [b]) => (a < b ? -1 : 1)).map(([start, window]) => [start, window]);
}

/** What has come so far is all there is up to then. */
async function passTime(brokers: string, time_ms: number): Promise<void> {
  const producer = new Kafka({ brokers: [brokers], logLevel: logLevel.ERROR }).producer();
  await producer.connect();
  const headers = { [HEARTBEAT_HEADER]: String(time_ms) };
  const messages = Array.from({ length: PARTITIONS }, (_, partition) => ({
    partition,
    value: null,
    headers,
  }));
  await producer.send({ topic: 'feedback', messages });
  await producer.disconnect();
}
