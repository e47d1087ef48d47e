/** The Pub/Sub sink against Google's fake: what of a record goes out, in which order, and what becomes of what does not. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import type { OpenSink, SinkContext, SinkRecord } from '../../connectors/connector.ts';
import { pubsubSink } from '../../connectors/pubsub_sink.ts';
import { GRPC, onPubsubFake, PROJECT, type PubsubFake } from '../harness/pubsub_fake.ts';
import { until } from '../harness/until.ts';

const CONTEXT = {} as SinkContext;
const ending = new WeakMap<OpenSink, AbortController>();

async function open(fake: PubsubFake, t: TestContext, config = {}): Promise<OpenSink> {
  Object.assign(process.env, fake.env);
  await fake.client().createTopic('out');
  const controller = new AbortController();
  const sink = await pubsubSink.open(
    { topic: 'out', project: PROJECT, ordered: true, ...config },
    {
      place: { namespace: 'errata', topology: 'test', name: 'out' },
      message: 'source_record',
      partition: 0,
      log: pino({ level: 'silent' }),
      signal: controller.signal,
    },
  );
  ending.set(sink, controller);
  t.after(() => sink.close());
  return sink;
}

function record(offset: number, fields: Partial<SinkRecord> = {}): SinkRecord {
  const value = Buffer.from(`m${offset}`);
  return { topic: 'alerts', partition: 0, offset, timestamp_ms: 0, key: null, value, headers: {}, ...fields };
}

const keyed = (key: string, from: number, count: number) =>
  Array.from({ length: count }, (_, index) => record(from + index, { key: Buffer.from(key) }));

async function textsOf(fake: PubsubFake, key: string): Promise<string[]> {
  const messages = await fake.messages('out');
  return messages.filter(({ ordering_key }) => ordering_key === key).map(({ data }) => String(data));
}

const textsOfRecords = (records: readonly SinkRecord[]) => records.map(({ value }) => String(value));

onPubsubFake('a record goes out as the message that it was', async (fake, t) => {
  const sink = await open(fake, t, { id_attribute: 'id' });
  const headers = {
    'pubsub.message_id': 'm77',
    'pubsub.publish_time': '2026-11-25T00:00:00.000Z',
    'pubsub.ordering_key': 'ann',
    lang: 'de',
    'pubsub.attribute.pubsub.x': 'y',
  };
  const value = Buffer.from([0, 255, 254]);
  assert.deepEqual(await sink.write([record(0, { key: Buffer.from('other'), value, headers })], CONTEXT), []);
  assert.deepEqual(await sink.write([record(1, { key: Buffer.from('bob') })], CONTEXT), []);
  const [first, second] = await fake.messages('out');
  assert.deepEqual(
    [first!.data, first!.ordering_key, first!.attributes],
    [value, 'ann', { lang: 'de', 'pubsub.x': 'y', id: 'm77' }],
  );
  assert.deepEqual([second!.ordering_key, second!.attributes], ['bob', { id: 'alerts/0/1' }]);
});

onPubsubFake(
  'a failure in the middle of a key loses and reorders nothing, and holds up no other',
  async (fake, t) => {
    const sink = await open(fake, t);
    await fake.inject({
      method: 'Publish',
      code: GRPC.PERMISSION_DENIED,
      skip: 1,
      times: 4,
      ordering_key: 'a',
    });
    const [a, b] = [keyed('a', 0, 2_500), keyed('b', 2_500, 100)];
    const written = sink.write([...a, ...b], CONTEXT);
    await until(() => sink.health() !== null, 'that it waits');
    assert.match(sink.health()!, /the service account needs roles\/pubsub.publisher.*1 keys wait/);
    await until(async () => (await textsOf(fake, 'b')).length === 100, 'the other key');
    assert.deepEqual(await written, []);
    assert.equal(sink.health(), null);
    assert.deepEqual(await textsOf(fake, 'a'), textsOfRecords(a));
    assert.deepEqual(await textsOf(fake, 'b'), textsOfRecords(b));
  },
);

onPubsubFake(
  'where only the answer is lost, messages are repeated behind those that they follow',
  async (fake, t) => {
    const sink = await open(fake, t);
    await fake.inject({ method: 'Publish', code: GRPC.PERMISSION_DENIED, done: true, skip: 1, times: 1 });
    const records = keyed('a', 0, 2_500);
    await sink.write(records, CONTEXT);
    const texts = await textsOf(fake, 'a');
    assert.ok(texts.length > 2_500);
    assert.deepEqual([...new Set(texts)], textsOfRecords(records));
  },
);

onPubsubFake(
  'what Pub/Sub cannot take is refused with the reason, and the rest goes out',
  async (fake, t) => {
    const sink = await open(fake, t);
    const records = [
      record(0),
      record(1, { value: null }),
      record(2, { headers: { a: 'v'.repeat(1025) } }),
      record(3, { value: Buffer.alloc(10_000_001) }),
      record(4, { value: Buffer.alloc(9_000_000) }),
      record(5),
    ];
    const refusals = await sink.write(records, CONTEXT);
    assert.deepEqual(
      refusals.map(({ record: { offset }, reason: { code } }) => [offset, code]),
      [1, 2, 3].map((offset) => [offset, 'pubsub_limit']),
    );
    assert.equal((await fake.messages('out')).length, 3);
  },
);

onPubsubFake('of messages that are refused together the one is found that is to blame', async (fake, t) => {
  const sink = await open(fake, t);
  const refuse = { method: 'Publish', code: GRPC.INVALID_ARGUMENT, times: 1 } as const;
  // All five at once, and the second by itself.
  await fake.inject(refuse);
  await fake.inject({ ...refuse, skip: 1 });
  const refusals = await sink.write(keyed('a', 0, 5), CONTEXT);
  assert.deepEqual(
    refusals.map(({ record: { offset }, reason }) => [offset, reason.code]),
    [[1, 'pubsub_refused']],
  );
  assert.match(refusals[0]!.reason.message, /projects\/test\/topics\/out: .*injected/);
  assert.deepEqual(await textsOf(fake, 'a'), ['m0', 'm2', 'm3', 'm4']);
});

onPubsubFake('a sink that waits can be ended', async (fake, t) => {
  const sink = await open(fake, t);
  await fake.inject({ method: 'Publish', code: GRPC.PERMISSION_DENIED, times: 1_000 });
  const written = sink.write([record(0)], CONTEXT);
  await delay(200);
  ending.get(sink)!.abort(new Error('ends'));
  await assert.rejects(written, /ends/);
});
