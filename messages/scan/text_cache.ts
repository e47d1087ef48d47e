/** Texts that come again and again are made once: a table by hash, in which a new text takes the place of another. */

const ENTRIES = 1024;
/** Longer texts are rarely the same. */
const MAX_BYTES = 64;

/** FNV-1a, 32 bit. Source: https://datatracker.ietf.org/doc/html/rfc9923 */
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

const NONE = Buffer.alloc(0);

export class TextCache {
  readonly #bytes = new Array<Buffer>(ENTRIES).fill(NONE);
  readonly #texts = new Array<string>(ENTRIES).fill('');

  /** The text that stands in `bytes` from `start` to `end`, which are UTF-8. */
  text(bytes: Buffer, start: number, end: number): string {
    if (end - start > MAX_BYTES) return bytes.toString('utf8', start, end);
    const entry = hash(bytes, start, end) & (ENTRIES - 1);
    if (!isSame(this.#bytes[entry]!, bytes, start, end)) {
      this.#bytes[entry] = Buffer.from(bytes.subarray(start, end));
      this.#texts[entry] = bytes.toString('utf8', start, end);
    }
    return this.#texts[entry]!;
  }
}

function hash(bytes: Buffer, start: number, end: number): number {
  let sum = FNV_OFFSET;
  for (let at = start; at < end; at++) sum = Math.imul(sum ^ bytes[at]!, FNV_PRIME);
  return sum ^ (sum >>> 16);
}

function isSame(known: Buffer, bytes: Buffer, start: number, end: number): boolean {
  if (known.length !== end - start) return false;
  for (let index = 0; index < known.length; index++) if (known[index] !== bytes[start + index]) return false;
  return true;
}
