/** Records that are scanned and records that are decoded must come to the same. A byte order mark forces decoding. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { decode } from '../messages/decode.ts';
import { damagedRecord, ordinaryRecord, strangeRecord } from '../messages/scan/test_records.ts';
import type { ActorKind } from './actor.ts';
import { capture } from './capture.ts';
import { rekey } from './rekey.ts';
import { sourceRecord, TestTask } from './testing.ts';

const START_MS = 1_700_000_000_000;
const STEP_MS = 60_000;
const BYTE_ORDER_MARK = Buffer.from('\ufeff');

const id = fc.constantFrom('p1', 'p2', 'é');
const timestamp = fc.integer({ min: 0, max: 20 }).map((step) => START_MS + step * STEP_MS);
const stats = fc.record({ mean: fc.double({ noNaN: true, noDefaultInfinity: true }), std: fc.nat() });
const prediction = fc.record(
  {
    prediction_id: id,
    timestamp,
    model_version: fc.constantFrom('v1', 'v2'),
    deployment_id: fc.constantFrom('spam', 'größe'),
    event_id: id,
    input_stats: stats,
    latency_ms: fc.nat(100),
    server_load: fc.constantFrom(0, 0.5, null),
    output: fc.json(),
  },
  { requiredKeys: ['timestamp', 'model_version', 'deployment_id'] },
);
const feedback = fc.record(
  {
    prediction_id: id,
    timestamp,
    feedback_type: fc.constantFrom('explicit', 'implicit'),
    rating: fc.constantFrom(1, 5, 2.5, null),
    time_to_action: fc.constantFrom(0, 31.25, null),
    event_id: id,
    deployment_id: fc.constantFrom('spam', null),
    input_stats: stats,
  },
  { requiredKeys: ['prediction_id', 'timestamp', 'feedback_type'] },
);
const joinable = fc.oneof(prediction, feedback).map((value) => Buffer.from(JSON.stringify(value)));
/** Without -0, which the state of a test would mind: it is 0 once it was JSON. */
const record = fc
  .oneof({ weight: 4, arbitrary: joinable }, strangeRecord, damagedRecord, ordinaryRecord)
  .filter((bytes) => !/:\s*-0/.test(bytes.toString('latin1')));

function marked(bytes: Buffer): Buffer {
  const is_marked = bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
  return is_marked ? bytes : Buffer.concat([BYTE_ORDER_MARK, bytes]);
}

/** All that a task does with the records, time going on after each. */
function storyOf(kind: ActorKind, config: object, records: Buffer[]) {
  const task = new TestTask([{ name: 'actor', kind, config }], {
    isAtHome: (ids) => ids.prediction_id !== 'p2',
  });
  for (const [offset, value] of records.entries()) {
    task.send('actor', 'records', sourceRecord(value, { offset, timestamp_ms: START_MS }));
    task.advance(START_MS + offset * STEP_MS);
  }
  return {
    keys: task.emissions.map(({ key }) => key),
    emissions: kind === rekey ? [] : task.emissions,
    ledger: task.ledger,
    observed_ms: task.observed_ms,
    late: task.late.map(({ key }) => key),
    reasons: task.dead_letters.map(({ reason }) => reason),
    state: task.stateKeys('actor'),
  };
}

const stories: [what: string, kind: ActorKind, config: object][] = [
  ['joins', capture, { join: { wait: '5m' }, lateness: '5m', max_ahead: '20m' }],
  ['counts without a join', capture, { join: 'none', lateness: '5m', max_ahead: '20m' }],
  ['re-keys', rekey, { max_ahead: '10m' }],
];
for (const [what, kind, config] of stories)
  it(`${what}: the same with scanned records as with decoded ones`, () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 20 }), (records) => {
        const decoded = records.map(marked);
        assert(records.every((bytes, index) => decode(bytes).kind === decode(decoded[index]!).kind));
        assert.deepEqual(storyOf(kind, config, records), storyOf(kind, config, decoded));
      }),
      { numRuns: 150 },
    );
  });
