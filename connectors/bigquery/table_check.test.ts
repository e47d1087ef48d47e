import assert from 'node:assert/strict';
import { it } from 'node:test';
import { USER_FEEDBACK } from './mapping.ts';
import { checkTable, checkUnchanged } from './table_check.ts';

const FITTING = [
  { name: 'session_id', type: 'STRING' },
  { name: 'Prediction_ID', type: 'STRING', mode: 'REQUIRED' },
  { name: 'feedback_type', type: 'STRING' },
  { name: 'rating', type: 'INTEGER' },
  { name: 'comment', type: 'STRING' },
  { name: 'user_action', type: 'STRING' },
  { name: 'time_to_action', type: 'FLOAT' },
  { name: 'timestamp', type: 'TIMESTAMP' },
];

it('finds the columns whatever their order and case, and lets others be', () => {
  const fields = [{ name: 'note', type: 'STRING' }, ...FITTING.toReversed()];
  const found = checkTable('d.user_feedback', fields, USER_FEEDBACK);
  assert.deepEqual(found, FITTING);
});

it('lists every difference at once', () => {
  const fields = [
    ...FITTING.filter(({ name }) => name !== 'comment').map((field) =>
      field.name === 'timestamp' ? { ...field, type: 'STRING' } : field,
    ),
    { name: 'tenant', type: 'STRING', mode: 'REQUIRED' },
  ];
  assert.throws(() => checkTable('d.user_feedback', fields, USER_FEEDBACK), {
    code: 'E_BIGQUERY_SCHEMA',
    message:
      'table d.user_feedback differs from what is written: column comment STRING is missing; ' +
      'column timestamp is STRING instead of TIMESTAMP; column tenant is REQUIRED and nothing fills it',
  });
});

it('of mapped columns it asks that they are there and can be written', () => {
  const columns = [{ column: 'span', value: 'any' } as const, { column: 'gone', value: 'any' } as const];
  assert.throws(() => checkTable('d.t', [{ name: 'span', type: 'INTERVAL' }], columns), {
    message: /column span is INTERVAL, which errata cannot write; column gone is missing/,
  });
});

it('tells which of the written columns were changed since', () => {
  const before = [
    { name: 'id', type: 'STRING' },
    { name: 'mean', type: 'FLOAT' },
    { name: 'at', type: 'TIMESTAMP' },
  ];
  const same = [
    { name: 'id', type: 'STRING', mode: 'NULLABLE' },
    { name: 'mean', type: 'FLOAT64' },
    before[2]!,
  ];
  checkUnchanged('d.t', before, same);
  const now = [before[0]!, { name: 'mean', type: 'STRING', mode: 'REPEATED' }, before[2]!];
  assert.throws(() => checkUnchanged('d.t', before, now), {
    code: 'E_BIGQUERY_SCHEMA',
    message: 'table d.t was changed: mean FLOAT64 is now mean ARRAY<STRING>',
  });
});
