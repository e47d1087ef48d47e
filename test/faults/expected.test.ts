/** What follows from a log by brute force: dispositions, and which windows no honest watermark can have closed early. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEARTBEAT_HEADER } from '../../messages/heartbeat.ts';
import type { TopicRecord } from '../harness/read_topic.ts';
import { type DrillKind, FROM_MS, KIND_HEADER, NUMBER_HEADER, WINDOW_MS } from './drill_input.ts';
import { expectedOf } from './expected.ts';
import { readInput } from './log_truth.ts';

const DISORDER_MS = 5_000;

/** One partition. */
class Log {
  readonly records: TopicRecord[] = [];

  good(at_ms: number, body: object): this {
    return this.add('good', JSON.stringify({ timestamp: FROM_MS + at_ms, ...body }));
  }

  add(kind: DrillKind, value: string): this {
    return this.#push({ [KIND_HEADER]: kind, [NUMBER_HEADER]: '0' }, Buffer.from(value));
  }

  heartbeat(at_ms: number): this {
    return this.#push({ [HEARTBEAT_HEADER]: String(FROM_MS + at_ms) }, null);
  }

  #push(headers: Record<string, string>, value: Buffer | null): this {
    const offset = this.records.length;
    this.records.push({ partition: 0, offset, headers, value, key: null, timestamp_ms: 0 } as TopicRecord);
    return this;
  }
}

function expected(predictions: Log, feedback: Log) {
  const topics = {
    predictions: { topic: 'p', records: predictions.records },
    feedback: { topic: 'f', records: feedback.records },
  };
  return expectedOf(readInput(topics, DISORDER_MS));
}

const of = (prediction_id: string) => ({ prediction_id, deployment_id: 'd', model_version: 'v' });
const about = (prediction_id: string, more = {}) => ({ prediction_id, rating: 1, ...more });
const window = `d/v/${new Date(FROM_MS).toISOString()}`;

test('every record has one disposition', () => {
  const { ledger, dead_letters, late, windows } = expected(
    new Log().good(0, of('a')).good(1, of('a')).good(2, of('b')).add('bad:not_json', 'x'),
    new Log()
      .good(3, about('a', { event_id: 'e' }))
      .good(3, about('a', { event_id: 'e' }))
      .good(4, about('nobody'))
      .add('too_late', JSON.stringify({ ...about('a'), timestamp: FROM_MS - 1e9 })),
  );
  assert.deepEqual(ledger, {
    predictions: { taken_in: 4, joined: 1, pending: 1, duplicate: 1, dead_lettered: 1 },
    feedback: { taken_in: 4, joined: 1, pending: 1, duplicate: 1, late: 1 },
    stats: { windowed: 2 },
  });
  assert.deepEqual([...dead_letters], [['p/0/3', 'not_json']]);
  assert.deepEqual([...late], [['f/0/3', 'late']]);
  assert.equal(windows.get(window)?.total_events, 1);
});

test('a window is on time as long as nothing of it stands behind what may have closed it', () => {
  const in_order = expected(
    new Log().good(0, of('a')),
    new Log().good(WINDOW_MS + DISORDER_MS - 1, about('x')).good(1_000, about('a')),
  );
  assert.ok(in_order.on_time.has(window), 'the watermark is still a millisecond short of its end');
  const behind = expected(
    new Log().good(0, of('a')),
    new Log().good(WINDOW_MS + DISORDER_MS, about('x')).good(1_000, about('a')),
  );
  assert.ok(!behind.on_time.has(window));
  const after_heartbeat = expected(
    new Log().heartbeat(WINDOW_MS).good(0, of('a')),
    new Log().good(1_000, about('a')),
  );
  assert.ok(!after_heartbeat.on_time.has(window), 'its prediction may have come after the end');
});
