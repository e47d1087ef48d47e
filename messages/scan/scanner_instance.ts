/** A compiled scanner with a memory of its own, which knows the fields of predictions and feedback. */
import { FEEDBACK_FIELDS, LAST_TIME_MS, PREDICTION_FIELDS } from '../decode.ts';
import { Feedback } from '../feedback.ts';
import { InputStats, Prediction } from '../prediction.ts';
import { FIRST_MILLISECONDS } from '../timestamp.ts';
import { bitsOf, FIELDS, STAT_NAMES, statBits } from './fields.ts';

/** Places in its memory: numbers of wasm/layout.ts. */
type ScannerPlace =
  | 'READINGS'
  | 'LEAST'
  | 'MOST'
  | 'STARTS'
  | 'ENDS'
  | 'NUMBERS'
  | 'STATS'
  | 'SAID'
  | 'SAID_STATS'
  | 'IS_EXPLICIT'
  | 'KIND'
  | 'TIME_MS'
  | 'ONLY_FEEDBACK'
  | 'ONLY_PREDICTION'
  | 'NEEDED_BY_FEEDBACK'
  | 'NEEDED_BY_PREDICTION'
  | 'NEEDED_STATS'
  | 'FIRST_TIME_MS'
  | 'LAST_TIME_MS'
  | 'FIELD_KEYS'
  | 'STAT_KEYS'
  | 'UNSAFE_KEYS'
  | 'KEY_COUNT'
  | 'NEXT_KEYS'
  | 'KEY_ENTRIES'
  | 'ENTRY_BYTES'
  | 'ENTRY_WORD'
  | 'ENTRY_MASK'
  | 'INPUT'
  | 'PADDING';

export type WasmPlaces<Place extends string> = Record<Place, WebAssembly.Global>;

export interface ScannerExports extends WasmPlaces<ScannerPlace> {
  memory: WebAssembly.Memory;
  /** 1: taken. */
  scan(start: number, end: number): number;
  /** Where the object ends; 0: not taken. */
  behindRecord(start: number, end: number): number;
}

/** Those of the exports that are places. */
type PlaceOf<Exports> = {
  [Name in keyof Exports]: Exports[Name] extends WebAssembly.Global ? Name : never;
}[keyof Exports];

const PAGE_BYTES = 65_536;
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
    const spelled = (start: number, end: number) => Number(this.#bytes.toString('latin1', start, end));
    const { exports } = new WebAssembly.Instance(module, { ...imports, numbers: { spelled } });
    this.exports = exports as Exports;
    this.#bytes = Buffer.from(this.exports.memory.buffer);
    this.#writeFields();
    this.#writeKeys(this.exports.FIELD_KEYS, quoted(FIELDS.map(({ name }) => name)));
    this.#writeKeys(this.exports.STAT_KEYS, quoted(STAT_NAMES));
    // Compared from behind the opening quote on.
    this.#writeKeys(
      this.exports.UNSAFE_KEYS,
      UNSAFE.map((name) => `${name}"`),
    );
  }

  at(place: PlaceOf<Exports>): number {
    return (this.exports[place] as WebAssembly.Global).value;
  }

  /** All of its memory. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Makes room up to `end`. True: `bytes` is another, and views of the old one are of no more use. */
  reserve(end: number): boolean {
    const missing = end + this.exports.PADDING.value - this.#bytes.length;
    if (missing <= 0) return false;
    this.exports.memory.grow(Math.ceil(missing / PAGE_BYTES));
    this.#bytes = Buffer.from(this.exports.memory.buffer);
    return true;
  }

  #writeFields(): void {
    const { exports } = this;
    const bytes = this.#bytes;
    for (const [field, { reading, least, most }] of FIELDS.entries()) {
      bytes.writeUInt8(reading, exports.READINGS.value + field);
      bytes.writeDoubleLE(least, exports.LEAST.value + 8 * field);
      bytes.writeDoubleLE(most, exports.MOST.value + 8 * field);
    }
    bytes.writeInt32LE(bitsOf(FEEDBACK_FIELDS), exports.ONLY_FEEDBACK.value);
    bytes.writeInt32LE(bitsOf(PREDICTION_FIELDS), exports.ONLY_PREDICTION.value);
    bytes.writeInt32LE(bitsOf(Feedback.required), exports.NEEDED_BY_FEEDBACK.value);
    bytes.writeInt32LE(bitsOf(Prediction.required), exports.NEEDED_BY_PREDICTION.value);
    bytes.writeInt32LE(statBits(InputStats.required), exports.NEEDED_STATS.value);
    bytes.writeDoubleLE(FIRST_MILLISECONDS, exports.FIRST_TIME_MS.value);
    bytes.writeDoubleLE(LAST_TIME_MS, exports.LAST_TIME_MS.value);
  }

  #writeKeys(table: WebAssembly.Global, words: readonly string[]): void {
    const { KEY_COUNT, NEXT_KEYS, KEY_ENTRIES, ENTRY_BYTES, ENTRY_WORD, ENTRY_MASK } = this.exports;
    const next = table.value + NEXT_KEYS.value;
    this.#bytes.writeInt32LE(words.length, table.value + KEY_COUNT.value);
    this.#bytes.fill(words.length, next, next + words.length + 1);
    for (const [key, word] of words.entries()) {
      const entry = table.value + KEY_ENTRIES.value + key * ENTRY_BYTES.value;
      const mask = entry + ENTRY_MASK.value;
      this.#bytes.writeInt32LE(word.length, entry);
      this.#bytes.write(word, entry + ENTRY_WORD.value);
      this.#bytes.fill(0xff, mask, mask + word.length);
    }
  }
}

/** As most programs write keys. */
function quoted(names: readonly string[]): string[] {
  return names.map((name) => `"${name}":`);
}
