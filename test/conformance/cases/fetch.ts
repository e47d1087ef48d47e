import { encodeFetchRequest, type FetchResponse, fetchRequest } from '../../../wire/fetch.ts';
import { Reader } from '../../../wire/primitives.ts';
import { batchesIn } from '../../../wire/record_batch.ts';
import { recordsOf } from '../../../wire/record_cursor.ts';
import type { ConformanceCase, Scope } from '../conformance_case.ts';

const T0 = 1_700_000_000_000;

async function filled(scope: Scope): Promise<string> {
  const topic = await scope.topic('t', 2);
  const producer = await scope.producer();
  for (let n = 0; n < 6; n++) {
    const messages = [0, 1, 2].map((m) => ({ value: `${n}.${m}`, timestamp: String(T0), partition: 0 }));
    await producer.send({ topic, messages });
  }
  return topic;
}

interface Asked {
  partition?: number;
  offset?: number;
  bytes?: number;
  max_bytes?: number;
  max_wait_ms?: number;
  min_bytes?: number;
}

async function ask(scope: Scope, topic: string, asked: Asked) {
  const { partition = 0, offset = 0, bytes = 1e6, max_bytes = 1e6, max_wait_ms = 50, min_bytes = 1 } = asked;
  const body = encodeFetchRequest({
    max_wait_ms,
    min_bytes,
    max_bytes,
    isolation: 'read_committed',
    topics: [{ topic, partitions: [{ partition, fetch_offset: offset, partition_max_bytes: bytes }] }],
  });
  const client = scope.raw();
  const answer = await client.call<FetchResponse>(
    'Fetch',
    1,
    11,
    fetchRequest.read(new Reader(body), 11, false),
  );
  const [found] = answer.topics[0]!.partitions;
  const { records, ...rest } = found!;
  // Kafka may cut the last batch or give a following one, so only the first whole one is compared.
  const first = [...batchesIn(records ?? Buffer.alloc(0))][0];
  return {
    response_error: answer.error_code,
    session_id: answer.session_id,
    ...rest,
    aborted_transactions: rest.aborted_transactions?.length ?? 0,
    first: first && recordsOf(records!, first).map(({ offset: at, value }) => [at, String(value)]),
  };
}

export const fetch: ConformanceCase[] = [
  {
    name: 'a fetch starts with the batch that holds the offset',
    async run(scope) {
      const topic = await filled(scope);
      const answers = [];
      for (const offset of [0, 3, 4, 5, 17, 18]) answers.push(await ask(scope, topic, { offset }));
      return answers;
    },
  },
  {
    name: 'a first batch above the limits is given all the same',
    async run(scope) {
      const topic = await filled(scope);
      return [await ask(scope, topic, { bytes: 1 }), await ask(scope, topic, { max_bytes: 1 })];
    },
  },
  {
    name: 'out of range, unknown partition, unknown topic',
    async run(scope) {
      const topic = await filled(scope);
      return [
        await ask(scope, topic, { offset: 19 }),
        await ask(scope, topic, { offset: -5 }),
        await ask(scope, topic, { partition: 7 }),
        await ask(scope, scope.name('unknown'), {}),
      ];
    },
  },
  {
    name: 'an empty partition answers after the wait, and at once with data',
    async run(scope) {
      const topic = await filled(scope);
      const waiting = ask(scope, topic, { partition: 1, max_wait_ms: 20_000 });
      const producer = await scope.producer();
      const started = Date.now();
      await producer.send({ topic, messages: [{ value: 'woken', timestamp: String(T0), partition: 1 }] });
      const woken = await waiting;
      const empty = await ask(scope, topic, { partition: 1, offset: 1, max_wait_ms: 300 });
      return { woken: woken.first, in_time: Date.now() - started < 10_000, empty };
    },
  },
];
