/**
 * Numbers keys from 0 in the order in which they are first seen, given as bytes: an open-addressing hash table (FNV-1a,
 * linear probing) that allocates nothing for a key it knows.
 */

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
/** Stands between the fields of a key; no UTF-8 text holds it. */
const SEPARATOR = 0xff;

export class KeyTable {
  /** Key number + 1 per place; 0: free. */
  #places = new Int32Array(1024);
  #mask = 1023;
  #bytes = new Uint8Array(16 * 1024);
  /** Where a key's bytes begin; those of the next key end it. */
  #starts = new Int32Array(512);
  #hashes = new Int32Array(512);
  #size = 0;
  /** The key in hand, not yet in the table. */
  #end = 0;
  #hash = FNV_OFFSET;

  get size(): number {
    return this.#size;
  }

  /** Begins a key. Its fields are given one after the other by `field`, and then it is found by `number`. */
  begin(): void {
    this.#end = this.#starts[this.#size]!;
    this.#hash = FNV_OFFSET;
  }

  field(from: Uint8Array, start: number, end: number): void {
    if (this.#end + end - start + 1 > this.#bytes.length) this.#bytes = grown(this.#bytes, end - start + 1);
    const bytes = this.#bytes;
    let hash = this.#hash;
    let at = this.#end;
    for (let position = start; position < end; position++) {
      const byte = from[position]!;
      bytes[at++] = byte;
      hash = Math.imul(hash ^ byte, FNV_PRIME);
    }
    bytes[at++] = SEPARATOR;
    this.#hash = Math.imul(hash ^ SEPARATOR, FNV_PRIME);
    this.#end = at;
  }

  /** Of the key in hand, which is new where that is `size - 1` of a table that has just grown. */
  number(): number {
    const hash = this.#hash;
    for (let place = hash & this.#mask; ; place = (place + 1) & this.#mask) {
      const found = this.#places[place]! - 1;
      if (found < 0) return this.#add(place);
      if (this.#hashes[found] === hash && this.#equals(found)) return found;
    }
  }

  clear(): void {
    this.#places.fill(0);
    this.#size = 0;
  }

  #equals(key: number): boolean {
    const bytes = this.#bytes;
    const start = this.#starts[key]!;
    const own = this.#starts[this.#size]!;
    const length = this.#end - own;
    if (this.#starts[key + 1]! - start !== length) return false;
    for (let at = 0; at < length; at++) if (bytes[start + at] !== bytes[own + at]) return false;
    return true;
  }

  #add(place: number): number {
    const key = this.#size++;
    this.#places[place] = key + 1;
    this.#hashes[key] = this.#hash;
    if (this.#size + 1 >= this.#starts.length) {
      this.#starts = grown(this.#starts, 1);
      this.#hashes = grown(this.#hashes, 1);
    }
    this.#starts[this.#size] = this.#end;
    if (2 * this.#size > this.#places.length) this.#rehash();
    return key;
  }

  #rehash(): void {
    this.#places = new Int32Array(this.#places.length * 2);
    this.#mask = this.#places.length - 1;
    for (let key = 0; key < this.#size; key++) {
      let place = this.#hashes[key]! & this.#mask;
      while (this.#places[place] !== 0) place = (place + 1) & this.#mask;
      this.#places[place] = key + 1;
    }
  }
}

/** A copy with twice the room, and space for `more` at least. */
export function grown<Values extends Uint8Array | Int32Array | Uint32Array | Float64Array>(
  values: Values,
  more: number,
): Values {
  const Type = values.constructor as new (length: number) => Values;
  const larger = new Type(Math.max(values.length * 2, values.length + more));
  larger.set(values);
  return larger;
}
