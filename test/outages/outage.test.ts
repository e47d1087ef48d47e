/** Kafka goes away for longer than a session lasts: a topology waits, says so, and goes on; told to stop, it stops. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type KafkaSettings, withAdmin } from '../../engine/kafka.ts';
import { type BrokerKind, startDrillBroker } from '../faults/drill_broker.ts';
import { Tidy } from '../faults/tidy.ts';
import { withRealKafka } from '../harness/real_kafka.ts';
import { TopologyRun } from '../harness/topology_run.ts';
import { until } from '../harness/until.ts';

const SESSION_TIMEOUT_MS = 1_500;
const USUAL_OUTAGE_S = 3;
/** Longer with `ERRATA_OUTAGE_S=150 npm test -- outages/outage`. */
const OUTAGE_MS = Number(process.env.ERRATA_OUTAGE_S ?? USUAL_OUTAGE_S) * 1_000;
/** By which a test may take longer then. */
const LONGER_MS = OUTAGE_MS - USUAL_OUTAGE_S * 1_000;
/** Far below the time in which a process has to end. */
const STOP_MAX_MS = 12_000;
const RECORDS = 200;
/**
 * Clients ask again 8 times, members 10 times, and then give up: with these settings within a second, so that an outage is to
 * them what one of many minutes is with the usual ones.
 */
const SHORT_PATIENCE = { retry_backoff_ms: 20, retry_backoff_max_ms: 80 };

async function feed(run: TopologyRun, name: string): Promise<void> {
  await run.produce(
    'predictions',
    Array.from({ length: RECORDS }, (_, index) => ({
      value: JSON.stringify({
        prediction_id: `${name}-${index}`,
        timestamp: Date.now(),
        deployment_id: 'd',
        model_version: 'v',
      }),
    })),
  );
}

/** Ids on a topic, as somebody reads them who reads committed records only. */
async function ids(run: TopologyRun, topic: string): Promise<string[]> {
  const records = await run.read(topic);
  return records
    .filter(({ headers }) => headers.errata === undefined)
    .map(({ value }) => JSON.parse(String(value)).prediction_id as string)
    .sort();
}

/** How many the group counts once those are put out that do not send heartbeats. Tasks also go on without it, until one moves. */
async function members(run: TopologyRun): Promise<number> {
  await delay(2 * SESSION_TIMEOUT_MS);
  return withAdmin(run.kafka, async (admin) => {
    const { groups } = await admin.describeGroups([run.plan.group_id]);
    return groups[0]!.members.length;
  });
}

/** What the re-keying stage has passed on. */
function passedOn(run: TopologyRun): Promise<string[]> {
  const { namespace, topology } = run.plan;
  return ids(run, `${namespace}.${topology}.predictions.rekeyed`);
}

async function sitsOutAnOutage(
  t: TestContext,
  kind: BrokerKind,
  kafka: Partial<KafkaSettings> = {},
): Promise<void> {
  const tidy = new Tidy();
  t.after(() => tidy.run());
  const broker = await startDrillBroker(kind, tidy);
  const run = await TopologyRun.prepare(t, {
    brokers: broker.addresses.join(','),
    session_timeout_ms: SESSION_TIMEOUT_MS,
    kafka: { heartbeat_interval_ms: 300, ...kafka },
  });
  tidy.after(() => run.end());
  await run.start();
  const reason = () => run.processor.status().not_ready;
  await feed(run, 'before');
  await until(async () => (await passedOn(run)).length === RECORDS, 'what came before is passed on');

  const killed = await broker.kill(0);
  const gone_ms = Date.now();
  await until(() => reason() !== null, 'it says that it waits');
  assert.match(reason()!, /(ECONNREFUSED|[Cc]onnection|socket|broker|Kafka)/i);
  while (Date.now() - gone_ms < OUTAGE_MS) {
    assert.notEqual(reason(), null, 'it is not ready as long as Kafka is away');
    await delay(100);
  }
  await killed.again();
  await feed(run, 'after');
  await until(async () => (await passedOn(run)).length >= 2 * RECORDS, 'what comes after is passed on');
  await until(() => reason() === null, 'it is ready again by itself').catch((cause) => {
    throw new Error(`not ready: ${reason()}`, { cause });
  });
  await until(async () => (await members(run)) === run.plan.workers, 'every worker is in the group again');
  // Who feeds it may have written some twice: it has asked a Kafka that was about to be there.
  const fed = await ids(run, run.topic('predictions'));
  const { taken_in, pending, duplicate = 0 } = await run.ledger('predictions', fed.length);
  assert.deepEqual(
    { taken_in, pending, duplicate },
    { taken_in: fed.length, pending: 2 * RECORDS, duplicate: fed.length - 2 * RECORDS },
  );
  assert.deepEqual(await passedOn(run), fed, 'nothing lost, nothing twice');

  await feed(run, 'last');
  await broker.kill(0);
  await until(() => reason() !== null, 'it says that it waits again');
  const told_ms = Date.now();
  await run.stop();
  const took_ms = Date.now() - told_ms;
  t.diagnostic(`stopped without Kafka in ${took_ms} ms`);
  assert.ok(took_ms < STOP_MAX_MS, `stopped only after ${took_ms} ms`);
}

test('the embedded broker is away for longer than a session', { timeout: 90_000 + LONGER_MS }, (t) =>
  sitsOutAnOutage(t, 'embedded'),
);

test('the embedded broker is away for longer than anybody asks again', { timeout: 90_000 + LONGER_MS }, (t) =>
  sitsOutAnOutage(t, 'embedded', SHORT_PATIENCE),
);

test('Apache Kafka is away for longer than a session', { timeout: 120_000 + LONGER_MS }, async (t) => {
  if ((await withRealKafka(t)) !== undefined) await sitsOutAnOutage(t, 'real');
});

test('Apache Kafka is away for longer than anybody asks again', {
  timeout: 120_000 + LONGER_MS,
}, async (t) => {
  if ((await withRealKafka(t)) !== undefined) await sitsOutAnOutage(t, 'real', SHORT_PATIENCE);
});
