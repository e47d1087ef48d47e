/** The proxy between a client and a broker: everything goes through it, and it cuts exactly where it is told to. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { embeddedBroker } from '../harness/embedded.ts';
import { readTopic } from '../harness/read_topic.ts';
import { KafkaProxy } from './kafka_proxy.ts';

const PRODUCE = 0;

async function producerThrough(t: TestContext) {
  const broker = await embeddedBroker(t);
  const proxy = await KafkaProxy.start(broker.port);
  t.after(() => proxy.stop());
  const retry = { initialRetryTime: 10, retries: 3 };
  const kafka = new Kafka({ brokers: [proxy.address], logLevel: logLevel.NOTHING, retry });
  const producer = kafka.producer();
  await producer.connect();
  t.after(() => producer.disconnect());
  const send = (value: string) => producer.send({ topic: 'x', messages: [{ value }] });
  await send('first');
  const there = async () => (await readTopic(broker.address, 'x')).map(({ value }) => String(value));
  return { proxy, send, there };
}

test('a request that is cut never arrives, and is sent again', async (t) => {
  const { proxy, send, there } = await producerThrough(t);
  const cut = proxy.cutAt(PRODUCE, 'request', 5_000);
  await send('second');
  assert.equal(await cut, true);
  assert.deepEqual(await there(), ['first', 'second']);
});

test('an answer that is cut leaves behind what was done, and the client does it again', async (t) => {
  const { proxy, send, there } = await producerThrough(t);
  const cut = proxy.cutAt(PRODUCE, 'answer', 5_000);
  await send('second');
  assert.equal(await cut, true);
  assert.deepEqual(await there(), ['first', 'second', 'second']);
});

test('while it refuses, nothing gets past it', async (t) => {
  const { proxy, send, there } = await producerThrough(t);
  proxy.is_refusing = true;
  proxy.cut();
  await assert.rejects(send('second'));
  proxy.is_refusing = false;
  await send('third');
  assert.deepEqual(await there(), ['first', 'third']);
});

test('a cut that finds no request in time says so', async (t) => {
  const { proxy } = await producerThrough(t);
  assert.equal(await proxy.cutAt(PRODUCE, 'request', 10), false);
});

test('what brokers say of where others are leads to it, too', async (t) => {
  const [one, other] = [await embeddedBroker(t), await embeddedBroker(t)];
  const proxy = await KafkaProxy.start(one.port, other.port);
  t.after(() => proxy.stop());
  for (const [index, address] of proxy.address.split(',').entries()) {
    const admin = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const { brokers } = await admin.describeCluster();
    await admin.disconnect();
    assert.deepEqual(
      brokers.map(({ host, port }) => `${host}:${port}`),
      [proxy.address.split(',')[index]],
    );
  }
});
