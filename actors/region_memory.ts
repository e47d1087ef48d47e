/**
 * The memory in which records are scanned, joined and summed up (wasm/): the scanner's part, and behind it regions that get more room
 * as they need it, at the places that layouts name (columns_layout.ts, entries_layout.ts). Addresses are without a sign: there may be 4 GB.
 */
import { ErrataError } from '../messages/errata_error.ts';
import { INPUT, PADDING } from '../messages/scan/layout.ts';
import {
  MEMORY_MAX_BYTES,
  type ScannerExports,
  ScannerInstance,
  wasmModule,
} from '../messages/scan/scanner_instance.ts';
import { RECORDS_WASM } from './records_wasm.ts';

export interface RecordsExports extends ScannerExports {
  fit(): number;
  add(): number;
  addJoinable(): number;
  keyInHand(): number;
  begin(): void;
  rehash(): void;
  takeRecords(start: number, end: number, most: number): number;
  findEntry(key_bytes: number): number;
  /** 1: there is. */
  hasEntryRoom(size_bytes: number): number;
  addEntry(key_bytes: number, value_bytes: number, expires_ms: number): number;
  moveEntry(entry: number, value_bytes: number): void;
  changeEntry(entry: number): void;
  forgetEntry(entry: number): void;
  removeEntry(entry: number): void;
  releaseEntry(entry: number): void;
  enterAll(from: number, places: number): void;
  freePage(page: number): void;
}

/** Of a batch so much is gone through at once; longer records take the ordinary way. */
export const INPUT_BYTES = 64 * 1024;

/** Where a region's room and use stand behind its base. */
const ROOM = 4;
const USED = 8;

const RECORDS = wasmModule(RECORDS_WASM);

export class RegionMemory {
  readonly exports: RecordsExports;
  /** All of it; others after it got more. */
  bytes!: Buffer;
  view!: DataView;
  ints!: Int32Array;
  doubles!: Float64Array;
  readonly #instance = new ScannerInstance<RecordsExports>(RECORDS);
  /** Behind all that is in use. */
  #end: number;

  constructor() {
    this.exports = this.#instance.exports;
    this.#end = INPUT + INPUT_BYTES + PADDING;
    this.#look();
  }

  int(place: number): number {
    return this.ints[place >> 2]!;
  }

  setInt(place: number, value: number): void {
    this.ints[place >> 2] = value;
  }

  double(place: number): number {
    return this.doubles[place >> 3]!;
  }

  setDouble(place: number, value: number): void {
    this.doubles[place >> 3] = value;
  }

  /** In bytes. */
  base(region: number): number {
    return this.ints[region >> 2]! >>> 0;
  }

  room(region: number): number {
    return this.ints[(region + ROOM) >> 2]!;
  }

  used(region: number): number {
    return this.ints[(region + USED) >> 2]!;
  }

  setUsed(region: number, used: number): void {
    this.ints[(region + USED) >> 2] = used;
  }

  /** Gives a region room behind all else, and takes over the first `kept` bytes of what was in it. */
  giveRoom(region: number, room: number, entry_bytes: number, kept_bytes: number): void {
    const old = this.base(region);
    const base = this.allocate(room * entry_bytes);
    this.bytes.copyWithin(base, old, old + kept_bytes);
    this.setInt(region, base);
    this.ints[(region + ROOM) >> 2] = room;
  }

  /** Memory that is in use from now on; returns where it begins. */
  allocate(size_bytes: number): number {
    const base = this.#end;
    const end = base + Math.ceil(size_bytes / 8) * 8;
    this.#reserve(end);
    this.#end = end;
    return base;
  }

  /** Allocates, and puts them there. */
  put(bytes: Uint8Array): number {
    const at = this.allocate(bytes.length);
    this.bytes.set(bytes, at);
    return at;
  }

  #reserve(end: number): void {
    try {
      if (this.#instance.reserve(end)) this.#look();
    } catch (cause) {
      const why = end > MEMORY_MAX_BYTES ? 'has grown beyond 4 GB' : 'finds no more memory in this process';
      throw new ErrataError('E_STATE_TOO_LARGE', `the state that a task keeps in memory ${why}`, {
        cause,
        hint: 'keep state on disk (`state: { store: lmdb }`), or have more partitions, so that each task has less of it',
      });
    }
  }

  #look(): void {
    const { bytes } = this.#instance;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
    this.ints = new Int32Array(bytes.buffer);
    this.doubles = new Float64Array(bytes.buffer);
  }
}
