/** The compiled scanner with a memory of its own, which knows the fields of predictions and feedback. */
import { FIELDS } from './fields.ts';
import { SCANNER_WASM } from './scanner_wasm.ts';

/** Numbers of wasm/layout.ts. */
type Place =
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
  | 'IS_TIME_TEXT'
  | 'FIELD_KEYS'
  | 'STAT_KEYS'
  | 'UNSAFE_KEYS'
  | 'KEY_COUNT'
  | 'NEXT_KEYS'
  | 'KEY_ENTRIES'
  | 'ENTRY_BYTES'
  | 'ENTRY_WORD'
  | 'ENTRY_MASK'
  | 'WORD_MAX_BYTES'
  | 'INPUT'
  | 'PADDING';

interface ScannerExports extends Record<Place, WebAssembly.Global> {
  memory: WebAssembly.Memory;
  /** 1: taken. */
  scan(start: number, end: number): number;
  /** Where the object ends; 0: not taken. */
  behindRecord(start: number, end: number): number;
}

const PAGE_BYTES = 65_536;
/** What JSON must not name, lest it be the way to a prototype. */
const UNSAFE = ['__proto__', 'constructor'];

/** Those of one process share the compiled code, since their bytes are the same. */
const compiled = new WebAssembly.Module(Buffer.from(SCANNER_WASM, 'base64'));

export class ScannerInstance {
  readonly exports: ScannerExports;
  #bytes: Buffer;

  constructor(stat_names: readonly string[]) {
    const spelled = (start: number, end: number) => Number(this.#bytes.toString('latin1', start, end));
    const { exports } = new WebAssembly.Instance(compiled, { numbers: { spelled } });
    this.exports = exports as ScannerExports;
    this.#bytes = Buffer.from(this.exports.memory.buffer);
    this.#writeFields();
    this.#writeKeys('FIELD_KEYS', quoted(FIELDS.map(({ name }) => name)));
    this.#writeKeys('STAT_KEYS', quoted(stat_names));
    // Compared from behind the opening quote on.
    this.#writeKeys(
      'UNSAFE_KEYS',
      UNSAFE.map((name) => `${name}"`),
    );
  }

  at(place: Place): number {
    return this.exports[place].value;
  }

  /** All of its memory. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Makes room for an input of so many bytes. True: `bytes` is another, and views of the old one are of no more use. */
  reserve(size_bytes: number): boolean {
    const missing = this.at('INPUT') + size_bytes + this.at('PADDING') - this.#bytes.length;
    if (missing <= 0) return false;
    this.exports.memory.grow(Math.ceil(missing / PAGE_BYTES));
    this.#bytes = Buffer.from(this.exports.memory.buffer);
    return true;
  }

  #writeFields(): void {
    for (const [field, { reading, least, most }] of FIELDS.entries()) {
      this.#bytes.writeUInt8(reading, this.at('READINGS') + field);
      this.#bytes.writeDoubleLE(least, this.at('LEAST') + 8 * field);
      this.#bytes.writeDoubleLE(most, this.at('MOST') + 8 * field);
    }
  }

  #writeKeys(table: Place, words: readonly string[]): void {
    const at = this.at(table);
    const next = at + this.at('NEXT_KEYS');
    this.#bytes.writeInt32LE(words.length, at + this.at('KEY_COUNT'));
    this.#bytes.fill(words.length, next, next + words.length + 1);
    for (const [key, word] of words.entries()) {
      const entry = at + this.at('KEY_ENTRIES') + key * this.at('ENTRY_BYTES');
      const mask = entry + this.at('ENTRY_MASK');
      this.#bytes.writeInt32LE(word.length, entry);
      this.#bytes.write(word, entry + this.at('ENTRY_WORD'));
      this.#bytes.fill(0xff, mask, mask + word.length);
    }
  }
}

/** As most programs write keys. */
function quoted(names: readonly string[]): string[] {
  return names.map((name) => `"${name}":`);
}
