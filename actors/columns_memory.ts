/** The memory in which the columns of windows lie (wasm/layout.ts): how they are formed, and regions that get more room as they need it. */
import { fieldNamed, STAT_NAMES } from '../messages/scan/fields.ts';
import {
  type ScannerExports,
  ScannerInstance,
  type ScannerPlace,
  wasmModule,
} from '../messages/scan/scanner_instance.ts';
import { ASSUMED_RATING, ASSUMED_TIME_TO_ACTION_S } from './aggregate.ts';
import { type BinTables, binTables } from './bin_tables.ts';
import { PAGE_BINS } from './bins.ts';
import { stepOf } from './completeness.ts';
import { SMALLEST } from './distribution.ts';
import type { Measure } from './measures.ts';
import { WINDOW_COLUMNS_WASM } from './window_columns_wasm.ts';
import type { WindowConfig } from './window_config.ts';
import type { WindowKind } from './window_kind.ts';

type Region =
  | 'KEY_BYTES'
  | 'KEYS'
  | 'KEY_PLACES'
  | 'SLOT_PLACES'
  | 'PATTERN_PLACES'
  | 'SLICES'
  | 'SLOTS'
  | 'SUMS'
  | 'STEPS'
  | 'ROWS'
  | 'PAGES'
  | 'PATTERNS';

type ColumnPlace =
  | Region
  | 'SOURCES'
  | 'SOURCE_BYTES'
  | 'MEASURE_COUNT'
  | 'BY_COUNT'
  | 'BY_FIELDS'
  | 'OVER_ALL'
  | 'STEPS_PER_SLICE'
  | 'PAGES_PER_ROW'
  | 'RATING_BELOW'
  | 'TIME_TO_ACTION_ABOVE'
  | 'SLICE_MS'
  | 'STEP_MS'
  | 'LARGEST_VALUE'
  | 'PATTERN_PART_MAX'
  | 'ASSUMED_RATING'
  | 'SMALLEST_VALUE'
  | 'BIN_CELLS'
  | 'BIN_ENDS'
  | 'CELL_SHIFT'
  | 'ASSUMED_TIME_TO_ACTION'
  | 'KEY_ENTRY_BYTES'
  | 'SLOT_BYTES'
  | 'PATTERN_BYTES'
  | 'SUM_EVENTS'
  | 'SUM_LOW_RATINGS'
  | 'SUM_SLOW_ACTIONS'
  | 'SUM_INPUT_MEAN'
  | 'SUM_LATENCY'
  | 'SUM_MEASURES'
  | 'MOMENTS_WIDTH'
  | 'BASE_TIMESTAMP_MS'
  | 'MAX_AHEAD_MS'
  | 'LATENESS_MS'
  | 'WATERMARK_MS'
  | 'HELD_MS'
  | 'REACHED_MS'
  | 'DISORDER_MS'
  | 'DUE_MS'
  | 'MAX_RECORD_BYTES'
  | 'HAS_OWN_TIMES'
  | 'TAKEN'
  | 'NEXT_AT'
  | 'LAST_OFFSET_DELTA'
  | 'DONE'
  | 'NEW_KEY'
  | 'NEW_SLICE'
  | 'FULL'
  | 'BEYOND';

export interface ColumnsExports extends ScannerExports {
  fit(): number;
  add(): number;
  addJoinable(): number;
  keyInHand(): number;
  begin(): void;
  rehash(): void;
  takeRecords(start: number, end: number, most: number): number;
}

/** Bins of values from a thousandth to a thousand million; the others take the ordinary way. */
const FIRST_BIN = -352;
const END_BIN = 1056;
const LARGEST_VALUE = 1e9;
/** Truncated means and deviations that a number can hold both of. */
export const PATTERN_PART_MAX = 1 << 25;

/** Of a batch so much is gone through at once; longer records take the ordinary way. */
export const INPUT_BYTES = 64 * 1024;
/** The longest key: two fields of 256 characters, of one byte each where they are not escaped. */
const KEY_MAX_BYTES = 1024;

/** Where a region's room and use stand behind its base. */
const ROOM = 4;
const USED = 8;

/** Made when they are first needed, and the same for all. */
let tables: BinTables | null = null;

const COLUMNS = wasmModule(WINDOW_COLUMNS_WASM);

/** What the sums of a slot are about, as SOURCES has it. */
const ALWAYS: readonly Measure[] = [
  'rating',
  'time_to_action',
  'latency_ms',
  'input_stats.mean',
  'input_stats.std',
];

export class ColumnsMemory {
  readonly exports: ColumnsExports;
  readonly instance: ScannerInstance<ColumnsExports, ColumnPlace>;
  readonly places: Readonly<Record<ColumnPlace | ScannerPlace, number>>;
  readonly pages_per_row = Math.ceil((END_BIN - FIRST_BIN) / PAGE_BINS);
  readonly first_page = FIRST_BIN / PAGE_BINS;
  readonly histograms: number;
  /** Sums of a slot. */
  readonly width: number;
  readonly steps_per_slice: number;
  readonly input: number;
  /** All of the memory; others after it got more. */
  bytes: Buffer;
  ints: Int32Array;
  doubles: Float64Array;
  /** Bytes of an entry. */
  readonly #sizes: Readonly<Record<Region, number>>;
  /** Behind all regions. */
  #end: number;

  constructor(config: WindowConfig, kind: WindowKind) {
    this.instance = new ScannerInstance<ColumnsExports, ColumnPlace>(COLUMNS);
    this.exports = this.instance.exports;
    this.places = this.instance.places;
    this.input = this.places.INPUT;
    this.histograms = 1 + config.measures.length;
    this.width = this.places.SUM_MEASURES + this.places.MOMENTS_WIDTH * config.measures.length;
    this.steps_per_slice = Math.ceil(kind.slice_ms / stepOf(kind)) + 1;
    this.#sizes = {
      KEY_BYTES: 1,
      KEYS: this.places.KEY_ENTRY_BYTES,
      KEY_PLACES: 4,
      SLOT_PLACES: 4,
      PATTERN_PLACES: 4,
      SLICES: 8,
      SLOTS: this.places.SLOT_BYTES,
      SUMS: 8 * this.width,
      STEPS: 8 * this.steps_per_slice,
      ROWS: 4 * this.pages_per_row * this.histograms,
      PAGES: 4 * PAGE_BINS,
      PATTERNS: this.places.PATTERN_BYTES,
    };
    this.#end = this.input + INPUT_BYTES + this.places.PADDING;
    this.bytes = this.instance.bytes;
    this.ints = new Int32Array(this.bytes.buffer);
    this.doubles = new Float64Array(this.bytes.buffer);
    this.#writeConfig(config, kind);
    this.#writeBins();
    this.#giveRoom(['KEY_BYTES'], 16 * 1024);
    this.#giveRoom(['SLICES', 'KEYS', 'SLOTS', 'SUMS', 'STEPS', 'ROWS', 'PATTERNS'], 256);
    this.#giveRoom(['KEY_PLACES', 'SLOT_PLACES', 'PATTERN_PLACES', 'PAGES'], 512);
  }

  used(region: Region): number {
    return this.ints[(this.places[region] + USED) >> 2]!;
  }

  /** In bytes. */
  base(region: Region): number {
    return this.ints[this.places[region] >> 2]!;
  }

  int(place: ColumnPlace): number {
    return this.ints[this.places[place] >> 2]!;
  }

  setInt(place: ColumnPlace, value: number): void {
    this.ints[this.places[place] >> 2] = value;
  }

  double(place: ColumnPlace): number {
    return this.doubles[this.places[place] >> 3]!;
  }

  setDouble(place: ColumnPlace, value: number): void {
    this.doubles[this.places[place] >> 3] = value;
  }

  /** One more entry, which is what is there. */
  use(region: Region): number {
    const used = this.used(region);
    this.#setUsed(region, used + 1);
    return used;
  }

  /** What is used of regions that hold sums. */
  get size_bytes(): number {
    const slot_bytes = this.#sizes.SUMS + this.#sizes.STEPS + this.#sizes.ROWS + this.#sizes.SLOTS;
    return this.used('SLOTS') * slot_bytes + this.used('PAGES') * this.#sizes.PAGES;
  }

  /** Room for what the next record may bring. */
  grow(): void {
    this.#growWhere('KEY_BYTES', KEY_MAX_BYTES, ['KEY_BYTES']);
    this.#growWhere('KEYS', 1, ['KEYS', 'KEY_PLACES']);
    this.#growWhere('SLICES', 1, ['SLICES']);
    this.#growWhere('SLOTS', 1, ['SLOTS', 'SLOT_PLACES', 'SUMS', 'STEPS', 'ROWS']);
    this.#growWhere('PAGES', this.histograms, ['PAGES']);
    this.#growWhere('PATTERNS', 1, ['PATTERNS', 'PATTERN_PLACES']);
    this.exports.rehash();
  }

  /** Takes away all but the keys. */
  clearSums(): void {
    const slots = this.used('SLOTS');
    for (const region of ['SUMS', 'STEPS', 'ROWS'] as const) this.#zero(region, slots);
    this.#zero('PAGES', this.used('PAGES'));
    for (const region of ['SLICES', 'SLOTS', 'PAGES', 'PATTERNS'] as const) this.#setUsed(region, 0);
    for (const region of ['SLOT_PLACES', 'PATTERN_PLACES'] as const) this.#zero(region, this.#room(region));
    this.exports.begin();
  }

  clearKeys(): void {
    for (const region of ['KEYS', 'KEY_BYTES'] as const) this.#setUsed(region, 0);
    this.#zero('KEY_PLACES', this.#room('KEY_PLACES'));
  }

  #growWhere(region: Region, more: number, together: readonly Region[]): void {
    if (this.used(region) + more <= this.#room(region)) return;
    for (const one of together) this.#giveRoom([one], 2 * this.#room(one));
  }

  /** Behind all others, with what was in it; of tables of places nothing, since they are filled anew. */
  #giveRoom(regions: readonly Region[], room: number): void {
    for (const region of regions) {
      const at = this.places[region] >> 2;
      const base = this.#end;
      const size_bytes = this.#sizes[region];
      this.#end = base + Math.ceil((room * size_bytes) / 8) * 8;
      this.#reserve();
      // What a slot has is as long as there are slots.
      const used =
        region === 'SUMS' || region === 'STEPS' || region === 'ROWS' ? this.used('SLOTS') : this.used(region);
      const old = this.ints[at]!;
      this.bytes.copyWithin(base, old, old + used * size_bytes);
      this.ints[at] = base;
      this.ints[at + ROOM / 4] = room;
    }
  }

  #reserve(): void {
    if (!this.instance.reserve(this.#end)) return;
    this.bytes = this.instance.bytes;
    this.ints = new Int32Array(this.bytes.buffer);
    this.doubles = new Float64Array(this.bytes.buffer);
  }

  #room(region: Region): number {
    return this.ints[(this.places[region] + ROOM) >> 2]!;
  }

  #setUsed(region: Region, used: number): void {
    this.ints[(this.places[region] + USED) >> 2] = used;
  }

  #zero(region: Region, entries: number): void {
    const base = this.base(region);
    this.bytes.fill(0, base, base + entries * this.#sizes[region]);
  }

  #writeConfig(config: WindowConfig, kind: WindowKind): void {
    const by_fields = this.places.BY_FIELDS >> 2;
    for (const [index, measure] of [...ALWAYS, ...config.measures].entries())
      this.#writeSource(index, measure);
    for (const [index, field] of config.by.entries()) this.ints[by_fields + index] = fieldNamed(field);
    this.setInt('MEASURE_COUNT', config.measures.length);
    this.setInt('BY_COUNT', config.by.length);
    this.setInt('OVER_ALL', config.over === 'all' ? 1 : 0);
    this.setInt('STEPS_PER_SLICE', this.steps_per_slice);
    this.setInt('PAGES_PER_ROW', this.pages_per_row);
    this.setDouble('RATING_BELOW', config.bad.rating_below);
    this.setDouble('TIME_TO_ACTION_ABOVE', config.bad.time_to_action_above);
    this.setDouble('ASSUMED_RATING', ASSUMED_RATING);
    this.setDouble('ASSUMED_TIME_TO_ACTION', ASSUMED_TIME_TO_ACTION_S);
    this.setDouble('SLICE_MS', kind.slice_ms);
    this.setDouble('STEP_MS', stepOf(kind));
    this.setDouble('LARGEST_VALUE', LARGEST_VALUE);
    this.setDouble('PATTERN_PART_MAX', PATTERN_PART_MAX);
  }

  #writeBins(): void {
    tables ??= binTables(FIRST_BIN, LARGEST_VALUE, this.places.CELL_SHIFT);
    const { ends, cells } = tables;
    this.setDouble('SMALLEST_VALUE', SMALLEST);
    this.setInt('BIN_ENDS', this.#putTable(ends));
    this.setInt('BIN_CELLS', this.#putTable(cells));
  }

  /** Where it is. */
  #putTable(table: Float64Array | Uint16Array): number {
    const at = this.#end;
    this.#end = at + Math.ceil(table.byteLength / 8) * 8;
    this.#reserve();
    this.bytes.set(new Uint8Array(table.buffer), at);
    return at;
  }

  /** Where the measure's number is, and by which bit it is there. */
  #writeSource(index: number, measure: Measure): void {
    const { NUMBERS, STATS, SAID, SAID_STATS } = this.places;
    const at = (this.places.SOURCES + index * this.places.SOURCE_BYTES) >> 2;
    const [, stat] = measure.split('.');
    const number = stat === undefined ? fieldNamed(measure) : STAT_NAMES.indexOf(stat);
    this.ints[at] = (stat === undefined ? NUMBERS : STATS) + 8 * number;
    this.ints[at + 1] = stat === undefined ? SAID : SAID_STATS;
    this.ints[at + 2] = 1 << number;
  }
}
