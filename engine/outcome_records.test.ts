import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome } from '../messages/outcome.ts';
import { LastOutcomes, readOutcome } from './outcome_records.ts';
import type { LogRecord } from './partition_reader.ts';
import { DATA_HEADERS, writeWatermark } from './record_format.ts';

function record(value: string | null, headers: Record<string, string> = DATA_HEADERS): LogRecord {
  return {
    offset: 7,
    timestamp_ms: 0,
    key: null,
    value: value === null ? null : Buffer.from(value),
    headers,
  };
}

function outcome(prediction_id: string, time_ms: number, deployment_id = 'd'): Outcome {
  return { prediction_id, time_ms, prediction: { deployment_id } } as Outcome;
}

test('an outcome is read, a watermark is none, and whatever else stands there is told by its code', () => {
  assert.equal(readOutcome(record(JSON.stringify(outcome('p', 1))))?.prediction_id, 'p');
  const { value, headers } = writeWatermark({ task: 'capture/0', value_ms: 1, state: { type: 'live' } });
  assert.equal(readOutcome(record(String(value), headers)), null);
  for (const foreign of [record('no json'), record(null), record('{"prediction_id":"p"}'), record('{}', {})])
    assert.throws(() => readOutcome(foreign), { code: 'E_RECORD_FOREIGN' });
  assert.throws(() => readOutcome(record('{}', { errata: 'd9' })), { code: 'E_RECORD_FORMAT' });
});

test('of each prediction of the deployment the last outcome counts, as of the given time', () => {
  const last = new LastOutcomes('d', 10);
  for (const one of [
    outcome('p', 1),
    outcome('q', 2),
    outcome('p', 3),
    outcome('p', 11),
    outcome('r', 4, 'e'),
  ])
    last.add(one);
  assert.deepEqual(
    last.all().map(({ prediction_id, time_ms }) => [prediction_id, time_ms]),
    [
      ['p', 3],
      ['q', 2],
    ],
  );
});
