import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FEEDBACK, PREDICTION, RecordScanner } from './record_scanner.ts';
import { agrees } from './scan/agreement.ts';
import { damagedRecord, numberText, ordinaryRecord, strangeRecord } from './scan/test_records.ts';

const anyRecord = fc.oneof({ weight: 4, arbitrary: strangeRecord }, damagedRecord, ordinaryRecord);
const neighbour = fc
  .constantFrom('', '}', ',"rating":9}', '"', '9', '{"a":1}')
  .map((text) => Buffer.from(text));

const scanner = new RecordScanner();

function scanned(text: string): RecordScanner | undefined {
  const bytes = Buffer.from(text);
  return scanner.scan(bytes, 0, bytes.length) ? scanner : undefined;
}

/** What others see of the record in hand. */
function fieldsOf(record: RecordScanner): unknown[] {
  const text = (start: number, end: number) => start < 0 || record.bytes.toString('utf8', start, end);
  return [
    ...[record.kind, record.time_ms, record.rating, record.latency_ms, record.stats_mean],
    text(record.deployment_id_start, record.deployment_id_end),
    text(record.prediction_id_start, record.prediction_id_end),
    text(record.input_stats_start, record.input_stats_end),
  ];
}

/** Fails where a scan says what decode() does not. One scanner sees all, as in production. */
function checkAgreement(scanner: RecordScanner, runs: number): number {
  let taken = 0;
  fc.assert(
    fc.property(anyRecord, neighbour, (record, around) => {
      if (agrees(scanner, record, around)) taken++;
    }),
    { numRuns: runs, endOnFailure: true },
  );
  return taken / runs;
}

describe('record scanner', () => {
  it('says of every record nothing, or what decode() says', () => {
    const share = checkAgreement(new RecordScanner(), 4_000);
    assert(share > 0.15, `only ${share} of the records were scanned: this shows nothing`);
  });

  it('scans what production sends without help', () => {
    const scanner = new RecordScanner();
    fc.assert(
      fc.property(ordinaryRecord, (record) => assert(agrees(scanner, record), record.toString())),
      { numRuns: 1_000 },
    );
  });

  it('reads a prediction of the published Python layer', () => {
    const scanner = scanned(
      '{"timestamp": 1700000000.25, "input_shape": [null, 3], "input_stats": {"mean": 0.12345678901234567, "std": 1e-3, "min": -2.5, "max": 3.0}, "model_version": "v1", "deployment_id": "spam", "prediction_id": null}',
    )!;
    assert.equal(scanner.kind, PREDICTION);
    assert.equal(scanner.time_ms, 1_700_000_000_250);
    assert.equal(scanner.prediction_id_start, -1);
    assert.deepEqual(
      [scanner.stats_mean, scanner.stats_std, scanner.stats_min, scanner.stats_max],
      [Number('0.12345678901234567'), 1e-3, -2.5, 3],
    );
  });

  it('forgets the record before', () => {
    const scanner = new RecordScanner();
    const scan = (text: string) => assert(scanner.scan(Buffer.from(text), 0, text.length));
    scan(
      '{"model_version":"v1","deployment_id":"a","timestamp":2e11,"event_id":"e","latency_ms":3,"input_stats":{"mean":1,"std":1,"min":0}}',
    );
    scan(
      '{"prediction_id":"p","feedback_type":"implicit","timestamp":2e11,"rating":null,"input_stats":{"mean":1,"std":1}}',
    );
    assert.equal(scanner.kind, FEEDBACK);
    assert.equal(scanner.event_id_start, -1);
    assert.deepEqual(
      [scanner.latency_ms, scanner.rating, scanner.stats_min],
      [Number.NaN, Number.NaN, Number.NaN],
    );
  });

  it('takes white space behind the record, but no other control characters', () => {
    const text = '{"model_version":"v1","deployment_id":"a","timestamp":2e11}';
    assert(scanned(`${text} \r\n\t`));
    for (const behind of ['\0', '\n\0\n', '\f', '\v', '\u00a0', '\ufeff', ' }', ' {}', ','])
      assert(!scanned(text + behind), JSON.stringify(behind));
  });

  it('keeps the limit that it is given', () => {
    const text = Buffer.from('{"model_version":"v1","deployment_id":"a","timestamp":2e11}');
    assert(new RecordScanner(text.length).scan(text, 0, text.length));
    assert(!new RecordScanner(text.length - 1).scan(text, 0, text.length));
  });

  it('says of records that stand in a row what it says of each alone, also of long ones', () => {
    const alone = new RecordScanner();
    const long = fc
      .integer({ min: 1, max: 300_000 })
      .map((length) =>
        Buffer.from(`{"model_version":"v1","timestamp":2e11,"output":"${'é'.repeat(length)}"}`),
      );
    const records = fc.array(fc.oneof({ weight: 20, arbitrary: anyRecord }, long), { maxLength: 400 });
    fc.assert(
      fc.property(records, (row) => {
        const bytes = Buffer.concat(row);
        scanner.forget();
        let start = 0;
        for (const record of row) {
          const end = start + record.length;
          const is_taken = scanner.scanNext(bytes, start, end);
          assert.equal(is_taken, alone.scan(record, 0, record.length), record.toString());
          if (is_taken) assert.deepEqual(fieldsOf(scanner), fieldsOf(alone));
          start = end;
        }
      }),
      { numRuns: 30 },
    );
  });

  it('reads bytes anew that were changed, once it was told to forget them', () => {
    const bytes = Buffer.from('{"model_version":"v1","deployment_id":"a","timestamp":2e11,"latency_ms":1}');
    const latency = () => (scanner.scanNext(bytes, 0, bytes.length) ? scanner.latency_ms : Number.NaN);
    assert.equal(latency(), 1);
    bytes.write('2', bytes.length - 2);
    scanner.forget();
    assert.equal(latency(), 2);
  });

  it('gives the nearest double of every number', () => {
    const full = fc.double({ noDefaultInfinity: true, noNaN: true, min: 1e-6, max: 1e21 }).map(String);
    fc.assert(
      fc.property(fc.oneof(full, numberText), (text) => {
        const scanner = scanned(
          `{"model_version":"v1","deployment_id":"a","timestamp":2e11,"latency_ms":${text}}`,
        );
        if (scanner) assert(Object.is(scanner.latency_ms, JSON.parse(text)), text);
      }),
      { numRuns: 10_000 },
    );
  });

  it('rounds numbers of 16 to 18 digits near the middle of two doubles', () => {
    const near = fc.tuple(
      fc.bigInt({ min: 2n ** 53n, max: 10n ** 18n - 1n }),
      fc.integer({ min: 0, max: 22 }),
    );
    fc.assert(
      fc.property(near, ([mantissa, places]) => {
        const text = `${mantissa}e-${places}`;
        const stats = `{"mean":${text},"std":-${text}}`;
        const found = scanned(
          `{"model_version":"v1","deployment_id":"a","timestamp":2e11,"input_stats":${stats}}`,
        )!;
        assert.deepEqual([found.stats_mean, found.stats_std], [Number(text), -Number(text)], text);
      }),
      { numRuns: 10_000 },
    );
  });
});

/** Scans what `change` makes of the record, which has its fields where they were. */
class CarelessScanner extends RecordScanner {
  readonly #change: (record: Buffer) => Buffer;

  constructor(change: (record: Buffer) => Buffer) {
    super();
    this.#change = change;
  }

  override scan(bytes: Buffer, start: number, end: number): boolean {
    const careless = Buffer.from(bytes);
    this.#change(bytes.subarray(start, end)).copy(careless, start);
    return super.scan(careless, start, end);
  }
}

describe('the checker finds', () => {
  const careless: [what: string, change: (record: Buffer) => Buffer][] = [
    [
      'a scanner that does not look at UTF-8',
      (record) => record.map((byte) => (byte < 0x80 ? byte : 0x78)) as Buffer,
    ],
    ['a scanner that takes a leading zero', (record) => replaced(record, /:0(?=\d)/g, ': ')],
    ['a scanner that takes a control character in text', (record) => replaced(record, /\0/g, ' ')],
    ['a scanner that does not know __proto__', (record) => replaced(record, /__proto__/g, '_-proto--')],
    ['a scanner that takes every rating', (record) => replaced(record, /"rating":9/g, '"rating":3')],
  ];
  for (const [what, change] of careless)
    it(what, () => assert.throws(() => checkAgreement(new CarelessScanner(change), 50_000)));
});

function replaced(record: Buffer, pattern: RegExp, by: string): Buffer {
  return Buffer.from(record.toString('latin1').replace(pattern, by), 'latin1');
}
