/** What a restore says while it is under way. On a broker, and on disk: test/engine/state_on_disk.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import pino from 'pino';
import type { LogReader, PartitionSink } from './log_reader.ts';
import type { LogRecord } from './partition_reader.ts';
import { FORMAT_HEADER } from './record_format.ts';
import { type RestorePorts, type RestoreProgress, restoreState } from './restore.ts';
import { STATE_FORMAT } from './state.ts';
import { chunkOf, logRecord } from './testing.ts';

const CHANGELOG = { changelog: 'changes', partition: 2, cluster_id: 'c' };

function entry(offset: number): LogRecord {
  const value = Buffer.from(String(offset));
  return logRecord(offset, {
    key: Buffer.from(`a/${offset}`),
    value,
    headers: { [FORMAT_HEADER]: STATE_FORMAT },
  });
}

/** A restore into memory whose log, clock and signal are the test's. */
async function played() {
  const progress: RestoreProgress[] = [];
  const logged: Record<string, unknown>[] = [];
  const clock = { now_ms: 1_000 };
  const stopping = new AbortController();
  let sink: PartitionSink | undefined;
  const reader = {
    add: (_topic: string, _partition: number, _position: number, added: PartitionSink) => {
      sink = added;
    },
    remove: () => {
      sink = undefined;
    },
  } as unknown as LogReader;
  const ports: RestorePorts = {
    reader,
    now: () => clock.now_ms,
    log: pino({ level: 'info' }, { write: (line) => logged.push(JSON.parse(line)) }),
    signal: stopping.signal,
    onProgress: (one) => progress.push(one),
  };
  const restoring = restoreState({ store: 'memory' }, CHANGELOG, ports);
  /** The next answer of the broker, `after_ms` later. */
  const answer = (records: LogRecord[], next_offset: number, end_offset: number, after_ms: number) => {
    clock.now_ms += after_ms;
    sink!.onChunk(chunkOf(records, next_offset), end_offset);
  };
  await setImmediate();
  return { restoring, answer, progress, logged, stopping };
}

test('a restore of several answers says after each how far it is, how far it has to go and how fast it reads', async () => {
  const { restoring, answer, progress } = await played();
  // The marker of a transaction takes an offset.
  answer([entry(0), entry(1)], 3, 8, 1_000);
  answer([entry(3)], 5, 8, 1_000);
  let is_over = false;
  void restoring.then(() => {
    is_over = true;
  });
  await setImmediate();
  assert.equal(is_over, false, 'it is not over before its end');
  answer([entry(5), entry(6)], 8, 8, 500);
  const state = await restoring;
  assert.deepEqual(progress, [
    { from_offset: 0, next_offset: 3, end_offset: 8, records: 2, records_per_s: 2 },
    { from_offset: 0, next_offset: 5, end_offset: 8, records: 3, records_per_s: 2 },
    { from_offset: 0, next_offset: 8, end_offset: 8, records: 5, records_per_s: 2 },
  ]);
  assert.deepEqual([state.size, state.store('a').get('6')], [5, 6]);
});

test('one that takes long tells the log so each five seconds, and what it has in the end', async () => {
  const { restoring, answer, logged } = await played();
  for (let offset = 0; offset < 6; offset++) answer([entry(offset)], offset + 1, 6, 2_000);
  await restoring;
  assert.deepEqual(
    logged.map(({ msg, next_offset, end_offset, records, took_ms }) =>
      msg === 'restoring state' ? `${next_offset} of ${end_offset}` : [msg, records, took_ms],
    ),
    ['3 of 6', '6 of 6', ['state restored', 6, 12_000]],
  );
});

test('one that is told to stop in between does, and has no state', async () => {
  const { restoring, answer, stopping } = await played();
  answer([entry(0)], 1, 8, 0);
  stopping.abort(new Error('told to stop'));
  await assert.rejects(restoring, /told to stop/);
});
