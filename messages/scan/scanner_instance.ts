/** A compiled scanner with a memory of its own, which knows the fields of predictions and feedback. */
import { FEEDBACK_FIELDS, LAST_TIME_MS, PREDICTION_FIELDS } from '../decode.ts';
import { Feedback } from '../feedback.ts';
import { InputStats, Prediction } from '../prediction.ts';
import { FIRST_MILLISECONDS } from '../timestamp.ts';
import { bitsOf, FIELDS, STAT_NAMES, statBits } from './fields.ts';
import * as AT from './layout.ts';

export interface ScannerExports {
  memory: WebAssembly.Memory;
  /** 1: taken. */
  scan(start: number, end: number): number;
  /** Where the object ends; 0: not taken. */
  behindRecord(start: number, end: number): number;
}

const PAGE_BYTES = 65_536;
const GROWTH_MAX_BYTES = 512 * 1024 * 1024;
/** Addresses have 32 bits. */
export const MEMORY_MAX_BYTES = 2 ** 32;
/** What JSON must not name, lest it be the way to a prototype. */
const UNSAFE = ['__proto__', 'constructor'];

/** Threads of one process share the code of modules whose bytes are the same. */
export function wasmModule(base64: string): WebAssembly.Module {
  return new WebAssembly.Module(Buffer.from(base64, 'base64'));
}

export class ScannerInstance<Exports extends ScannerExports = ScannerExports> {
  readonly exports: Exports;
  #bytes: Buffer;

  /** `imports`: what the module needs beyond what every scanner does. */
  constructor(module: WebAssembly.Module, imports: WebAssembly.Imports = {}) {
    // Addresses come with a sign.
    const spelled = (start: number, end: number) =>
      Number(this.#bytes.toString('latin1', start >>> 0, end >>> 0));
    const { exports } = new WebAssembly.Instance(module, { ...imports, numbers: { spelled } });
    this.exports = exports as Exports;
    this.#bytes = Buffer.from(this.exports.memory.buffer);
    this.#writeFields();
    this.#writeKeys(AT.FIELD_KEYS, quoted(FIELDS.map(({ name }) => name)));
    this.#writeKeys(AT.STAT_KEYS, quoted(STAT_NAMES));
    // Compared from behind the opening quote on.
    this.#writeKeys(
      AT.UNSAFE_KEYS,
      UNSAFE.map((name) => `${name}"`),
    );
  }

  /** All of its memory. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Makes room up to `end`. True: `bytes` is another, and views of the old one are of no more use. */
  reserve(end: number): boolean {
    const size = this.#bytes.length;
    const missing = end + AT.PADDING - size;
    if (missing <= 0) return false;
    // Each growth counts as garbage of the whole to V8. What is not used yet takes no memory.
    const ahead = Math.min(size, GROWTH_MAX_BYTES, MEMORY_MAX_BYTES - size);
    this.exports.memory.grow(Math.ceil(Math.max(missing, ahead) / PAGE_BYTES));
    this.#bytes = Buffer.from(this.exports.memory.buffer);
    return true;
  }

  #writeFields(): void {
    const bytes = this.#bytes;
    for (const [field, { reading, least, most }] of FIELDS.entries()) {
      bytes.writeUInt8(reading, AT.READINGS + field);
      bytes.writeDoubleLE(least, AT.LEAST + 8 * field);
      bytes.writeDoubleLE(most, AT.MOST + 8 * field);
    }
    bytes.writeInt32LE(bitsOf(FEEDBACK_FIELDS), AT.ONLY_FEEDBACK);
    bytes.writeInt32LE(bitsOf(PREDICTION_FIELDS), AT.ONLY_PREDICTION);
    bytes.writeInt32LE(bitsOf(Feedback.required), AT.NEEDED_BY_FEEDBACK);
    bytes.writeInt32LE(bitsOf(Prediction.required), AT.NEEDED_BY_PREDICTION);
    bytes.writeInt32LE(statBits(InputStats.required), AT.NEEDED_STATS);
    bytes.writeDoubleLE(FIRST_MILLISECONDS, AT.FIRST_TIME_MS);
    bytes.writeDoubleLE(LAST_TIME_MS, AT.LAST_TIME_MS);
  }

  #writeKeys(table: number, words: readonly string[]): void {
    const { KEY_COUNT, NEXT_KEYS, KEY_ENTRIES, ENTRY_BYTES, ENTRY_WORD, ENTRY_MASK, WORD_MAX_BYTES } = AT;
    const next = table + NEXT_KEYS;
    this.#bytes.writeInt32LE(words.length, table + KEY_COUNT);
    this.#bytes.fill(words.length, next, next + words.length + 1);
    for (const [key, word] of words.entries()) {
      if (word.length > WORD_MAX_BYTES) throw new Error(`the scanner has no room for the key ${word}`);
      const entry = table + KEY_ENTRIES + key * ENTRY_BYTES;
      const mask = entry + ENTRY_MASK;
      this.#bytes.writeInt32LE(word.length, entry);
      this.#bytes.write(word, entry + ENTRY_WORD);
      this.#bytes.fill(0xff, mask, mask + word.length);
    }
  }
}

/** As most programs write keys. */
function quoted(names: readonly string[]): string[] {
  return names.map((name) => `"${name}":`);
}
