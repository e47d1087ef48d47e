/** The load of the latency runs: its batches are valid, and it knows how many events each window has. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBatchHeader, validateBatch } from '../../wire/record_batch.ts';
import { recordsOf } from '../../wire/record_cursor.ts';
import { WINDOW_MS } from '../job.ts';
import { EventStream } from '../windows/events.ts';
import { earlierMs, eventsInWindow, eventsPerBatch, type Pace, ticks, tickTime } from './pace.ts';
import { BatchTemplate } from './template.ts';

const FROM_MS = 1_767_225_600_000;
const PACE: Pace = {
  topic: 'events',
  partitions: 2,
  rate: 20_000,
  seconds: 3,
  keys: 5,
  seed: 1,
  event_bytes: 310,
  from_ms: FROM_MS,
  speed: 411,
};

function timesIn(batch: Buffer): number[] {
  const header = readBatchHeader(batch, 0)!;
  validateBatch(batch, header);
  return recordsOf(batch, header).map(({ value }) => JSON.parse(String(value)).timestamp);
}

test('a template gives valid batches with the times that it is asked for, and is not changed by it', () => {
  const stream = new EventStream({ ...PACE, events: 1e6, span_ms: 0 });
  const template = new BatchTemplate(
    [stream.next(), stream.next(), stream.next()],
    (index) => 1_000 - 500 * index,
  );
  const time_ms = FROM_MS + 12_345;
  assert.deepEqual(timesIn(template.at(time_ms)), [time_ms - 1_000, time_ms - 500, time_ms]);
  assert.deepEqual(timesIn(template.at(time_ms + 1)), [time_ms - 999, time_ms - 499, time_ms + 1]);
  assert.equal(readBatchHeader(template.at(time_ms), 0)!.max_timestamp_ms, time_ms);
});

test('it knows how many events each window has', () => {
  const size = eventsPerBatch(PACE);
  const counts = new Map<number, number>();
  for (let tick = 0; tick < ticks(PACE); tick++)
    for (let index = 0; index < size; index++) {
      const time_ms = tickTime(PACE, tick) - earlierMs(index, size);
      const start_ms = time_ms - (time_ms % WINDOW_MS);
      counts.set(start_ms, (counts.get(start_ms) ?? 0) + PACE.partitions);
    }
  assert.ok(counts.size > 4);
  for (const [start_ms, count] of counts) assert.equal(eventsInWindow(PACE, start_ms), count);
});
