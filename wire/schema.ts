/**
 * Kafka messages described once: a codec reads and writes a field in every version of a message, plain and
 * flexible (KIP-482). A message is a `struct` of codecs; `since` and `between` say which versions have a field.
 */
import { badLength, type Reader, type Writer } from './primitives.ts';

/** How one type is read and written. `missing` is its value where the version does not have the field. */
export interface Codec<T> {
  read(reader: Reader, version: number, flexible: boolean): T;
  write(writer: Writer, value: T, version: number, flexible: boolean): void;
  readonly missing: T;
  readonly since?: number;
  readonly until?: number;
}

/** The TypeScript type that a codec reads. */
export type Decoded<C> = C extends Codec<infer T> ? T : never;

export const int8: Codec<number> = { read: (r) => r.int8(), write: (w, v) => w.int8(v), missing: 0 };
export const int16: Codec<number> = { read: (r) => r.int16(), write: (w, v) => w.int16(v), missing: 0 };
export const int32: Codec<number> = { read: (r) => r.int32(), write: (w, v) => w.int32(v), missing: 0 };
export const int64: Codec<number> = { read: (r) => r.int64(), write: (w, v) => w.int64(v), missing: 0 };
export const boolean: Codec<boolean> = {
  read: (r) => r.boolean(),
  write: (w, v) => w.boolean(v),
  missing: false,
};

export const nullableString: Codec<string | null> = {
  read(reader, _version, flexible) {
    const length = flexible ? reader.uvarint() - 1 : reader.int16();
    return length === -1 ? null : reader.text(length);
  },
  write(writer, value, _version, flexible) {
    const length = value === null ? -1 : Buffer.byteLength(value);
    if (length > 0x7fff) badLength('string', length, writer.position);
    if (flexible) writer.uvarint(length + 1);
    else writer.int16(length);
    if (value !== null) writer.text(value, length);
  },
  missing: null,
};

export const nullableBytes: Codec<Buffer | null> = {
  read(reader, _version, flexible) {
    const length = flexible ? reader.uvarint() - 1 : reader.int32();
    return length === -1 ? null : reader.slice(length);
  },
  write(writer, value, _version, flexible) {
    const length = value === null ? -1 : value.length;
    if (flexible) writer.uvarint(length + 1);
    else writer.int32(length);
    if (value !== null) writer.raw(value);
  },
  missing: null,
};

function notNull<T>(codec: Codec<T | null>, missing: T, what: string): Codec<T> {
  return {
    read: (reader, version, flexible) => {
      const at = reader.position;
      return codec.read(reader, version, flexible) ?? badLength(what, -1, at);
    },
    write: codec.write,
    missing,
  };
}

export const string: Codec<string> = notNull(nullableString, '', 'string');
export const bytes: Codec<Buffer> = notNull(nullableBytes, Buffer.alloc(0), 'bytes');

/** An array that may be null. Every item takes at least one byte, so a hostile count fails before allocation. */
export function nullableArray<T>(item: Codec<T>): Codec<T[] | null> {
  return {
    read(reader, version, flexible) {
      const length = reader.arrayLength(flexible ? reader.uvarint() - 1 : reader.int32(), 1);
      if (length === -1) return null;
      const items: T[] = [];
      for (let index = 0; index < length; index++) items.push(item.read(reader, version, flexible));
      return items;
    },
    write(writer, value, version, flexible) {
      const length = value === null ? -1 : value.length;
      if (flexible) writer.uvarint(length + 1);
      else writer.int32(length);
      if (value !== null) for (const one of value) item.write(writer, one, version, flexible);
    },
    missing: null,
  };
}

export function array<T>(item: Codec<T>): Codec<T[]> {
  return notNull<T[]>(nullableArray(item), [], 'array');
}

/** A field that exists from version `first` on. */
export function since<T>(first: number, codec: Codec<T>, missing: T = codec.missing): Codec<T> {
  return { ...codec, since: first, missing };
}

/** A field that exists in versions `first` to `last`. */
export function between<T>(
  first: number,
  last: number,
  codec: Codec<T>,
  missing: T = codec.missing,
): Codec<T> {
  return { ...codec, since: first, until: last, missing };
}

type Fields = Record<string, Codec<unknown>>;
type Struct<F extends Fields> = { [K in keyof F]: Decoded<F[K]> };

function isIn(codec: Codec<unknown>, version: number): boolean {
  return version >= (codec.since ?? 0) && version <= (codec.until ?? Number.MAX_SAFE_INTEGER);
}

/** Tagged fields are skipped when read and none are written. */
function skipTags(reader: Reader): void {
  for (let left = reader.uvarint(); left > 0; left--) {
    reader.uvarint();
    reader.skip(reader.uvarint(), 'tagged field');
  }
}

export function struct<F extends Fields>(fields: F): Codec<Struct<F>> {
  const entries = Object.entries(fields);
  const missing = Object.fromEntries(entries.map(([name, codec]) => [name, codec.missing])) as Struct<F>;
  return {
    read(reader, version, flexible) {
      const value: Record<string, unknown> = {};
      for (const [name, codec] of entries) {
        value[name] = isIn(codec, version) ? codec.read(reader, version, flexible) : codec.missing;
      }
      if (flexible) skipTags(reader);
      return value as Struct<F>;
    },
    write(writer, value, version, flexible) {
      for (const [name, codec] of entries) {
        if (isIn(codec, version)) codec.write(writer, value[name], version, flexible);
      }
      if (flexible) writer.uvarint(0);
    },
    missing,
  };
}
