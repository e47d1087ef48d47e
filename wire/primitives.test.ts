import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Reader, Writer } from './primitives.ts';
import {
  array,
  between,
  type Decoded,
  int32,
  int64,
  nullableString,
  since,
  string,
  struct,
} from './schema.ts';

const message = struct({
  name: string,
  note: since(1, nullableString),
  old: between(0, 1, int32, -7),
  offsets: array(struct({ offset: int64 })),
});
type Message = Decoded<typeof message>;

const messages: fc.Arbitrary<Message> = fc.record({
  name: fc.string({ unit: 'grapheme' }),
  note: fc.option(fc.string()),
  old: fc.integer(),
  offsets: fc.array(fc.record({ offset: fc.maxSafeInteger() }, { noNullPrototype: true })),
});

test('a struct is read back in every version, plain and flexible', () => {
  fc.assert(
    fc.property(messages, fc.nat(3), fc.boolean(), (written, version, flexible) => {
      const writer = new Writer(1);
      message.write(writer, written, version, flexible);
      const reader = new Reader(writer.toBuffer());
      const read = message.read(reader, version, flexible);
      assert.deepEqual(read, {
        ...written,
        note: version >= 1 ? written.note : null,
        old: version <= 1 ? written.old : -7,
      });
      assert.equal(reader.remaining, 0);
    }),
  );
});

test('integers of every size are read back', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (long, int) => {
      const writer = new Writer(1);
      writer.int64(long);
      writer.int32(int);
      writer.varint(int);
      const half = Math.floor(long / 2);
      writer.varint(half);
      const reader = new Reader(writer.toBuffer());
      assert.deepEqual(
        [reader.int64(), reader.int32(), reader.varint(), reader.varlong()],
        [long, int, int, half],
      );
    }),
  );
});

test('hostile lengths are refused before anything is allocated', () => {
  const claim = Buffer.alloc(8);
  claim.writeInt32BE(0x7fffffff);
  assert.throws(() => array(int32).read(new Reader(claim), 0, false), { code: 'E_WIRE_LENGTH' });
  claim.writeInt32BE(-5);
  assert.throws(() => array(int32).read(new Reader(claim), 0, false), { code: 'E_WIRE_LENGTH' });
  claim.writeInt16BE(300);
  assert.throws(() => string.read(new Reader(claim), 0, false), { code: 'E_WIRE_TRUNCATED' });
  claim.writeInt16BE(-2);
  assert.throws(() => string.read(new Reader(claim), 0, false), { code: 'E_WIRE_LENGTH' });
  const endless = Buffer.alloc(20, 0xff);
  assert.throws(() => new Reader(endless).varint(), { code: 'E_WIRE_VARINT' });
  assert.throws(() => new Reader(endless).varlong(), { code: 'E_WIRE_VARINT' });
});
