import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CellRefused, cellOf } from './cell.ts';
import type { TableField } from './table_field.ts';

const column = (type: string, mode?: string, fields?: TableField[]): TableField => ({
  name: 'c',
  type,
  ...(mode ? { mode } : {}),
  ...(fields ? { fields } : {}),
});

/** Type, value, as JSON, as a protocol buffer takes it. */
const HELD: [type: string, value: unknown, json: unknown, proto: unknown][] = [
  ['STRING', 'größe', 'größe', 'größe'],
  ['STRING', { a: [1] }, '{"a":[1]}', '{"a":[1]}'],
  ['STRING', 4.5, '4.5', '4.5'],
  ['INTEGER', 4, 4, 4],
  ['INT64', '9007199254740993', '9007199254740993', '9007199254740993'],
  ['FLOAT', 0.1, 0.1, 0.1],
  ['NUMERIC', '12.50', '12.50', '12.50'],
  ['BOOLEAN', false, false, false],
  ['TIMESTAMP', 1709272800.25, '2024-03-01T06:00:00.250Z', 1709272800250000],
  ['TIMESTAMP', 1709272800250, '2024-03-01T06:00:00.250Z', 1709272800250000],
  ['TIMESTAMP', '2024-03-01 06:00:00', '2024-03-01T06:00:00.000Z', 1709272800000000],
  ['TIMESTAMP', '9999-12-31T23:59:59Z', '9999-12-31T23:59:59.000Z', '253402300799000000'],
  ['DATE', '2024-03-01', '2024-03-01', 19783],
  ['DATETIME', '2024-03-01T06:00:00Z', '2024-03-01 06:00:00.000', '2024-03-01 06:00:00.000'],
  ['JSON', 'text', '"text"', '"text"'],
  ['BYTES', 'AAEC', 'AAEC', Buffer.from([0, 1, 2])],
];

const NOT_HELD: [type: string, value: unknown][] = [
  ['INTEGER', 4.5],
  ['INTEGER', 'four'],
  ['INTEGER', 2 ** 60],
  ['FLOAT', '0.1'],
  ['FLOAT', Number.NaN],
  ['BOOLEAN', 'false'],
  ['TIMESTAMP', 'yesterday'],
  ['TIMESTAMP', {}],
  ['TIMESTAMP', 8e15],
  ['DATE', '2024-02-31x'],
  ['BYTES', 'no base64!'],
  ['INTERVAL', '1 day'],
];

describe('a cell', () => {
  for (const [type, value, json, proto] of HELD)
    it(`${type} holds ${JSON.stringify(value)}`, () => {
      assert.deepEqual(cellOf(column(type), value, 'json'), json);
      assert.deepEqual(cellOf(column(type), value, 'proto'), proto);
    });

  for (const [type, value] of NOT_HELD)
    it(`${type} does not hold ${JSON.stringify(value)}, and says so`, () => {
      const said = { name: 'CellRefused', message: /^column c is \w+ and cannot hold / };
      assert.throws(() => cellOf(column(type), value, 'proto'), said);
    });

  it('is left out where there is no value, unless the column is REQUIRED', () => {
    assert.equal(cellOf(column('STRING'), null, 'proto'), undefined);
    assert.throws(() => cellOf(column('STRING', 'REQUIRED'), undefined, 'proto'), CellRefused);
    const filled = { ...column('STRING', 'REQUIRED'), defaultValueExpression: "'x'" };
    assert.equal(cellOf(filled, undefined, 'proto'), undefined);
  });

  it('holds lists and records, each part by its own type', () => {
    assert.deepEqual(cellOf(column('INTEGER', 'REPEATED'), [1, 2], 'proto'), [1, 2]);
    assert.throws(() => cellOf(column('INTEGER', 'REPEATED'), [1, null], 'proto'), CellRefused);
    const record = column('RECORD', undefined, [{ name: 'mean', type: 'FLOAT' }]);
    assert.deepEqual(cellOf(record, { mean: 0.5, other: 1 }, 'proto'), { mean: 0.5 });
    assert.throws(() => cellOf(record, { mean: 'high' }, 'proto'), CellRefused);
  });
});
