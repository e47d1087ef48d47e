/** The memory in which the columns of windows lie (columns_layout.ts): how they are formed, and regions that get more room as they need it. */
import { fieldNamed, STAT_NAMES } from '../messages/scan/fields.ts';
import * as SCANNED from '../messages/scan/layout.ts';
import { ASSUMED_RATING, ASSUMED_TIME_TO_ACTION_S } from './aggregate.ts';
import { type BinTables, binTables } from './bin_tables.ts';
import * as AT from './columns_layout.ts';
import { stepOf } from './completeness.ts';
import { SMALLEST } from './distribution.ts';
import type { Measure } from './measures.ts';
import type { RecordsExports, RegionMemory } from './region_memory.ts';
import type { WindowConfig } from './window_config.ts';
import type { WindowKind } from './window_kind.ts';

/** Bins of values from a thousandth to a thousand million; the others take the ordinary way. */
const FIRST_BIN = -352;
const END_BIN = 1056;
const LARGEST_VALUE = 1e9;
/** Truncated means and deviations that a number can hold both of. */
export const PATTERN_PART_MAX = 1 << 25;

/** The longest key: two fields of 256 characters, of one byte each where they are not escaped. */
const KEY_MAX_BYTES = 1024;

/** Regions that have as many entries as there are slots. */
const OF_SLOTS: readonly number[] = [AT.SUMS, AT.STEPS, AT.ROWS];

/** Made when they are first needed, and the same for all. */
let tables: BinTables | null = null;

/** What the sums of a slot are about, as SOURCES has it. */
const ALWAYS: readonly Measure[] = [
  'rating',
  'time_to_action',
  'latency_ms',
  'input_stats.mean',
  'input_stats.std',
];

export class ColumnsMemory {
  readonly #memory: RegionMemory;
  readonly exports: RecordsExports;
  readonly pages_per_row = Math.ceil((END_BIN - FIRST_BIN) / AT.PAGE_BINS);
  readonly first_page = FIRST_BIN / AT.PAGE_BINS;
  readonly histograms: number;
  /** Sums of a slot. */
  readonly width: number;
  readonly steps_per_slice: number;
  /** Bytes of an entry, by region. */
  readonly #sizes: ReadonlyMap<number, number>;

  constructor(memory: RegionMemory, config: WindowConfig, kind: WindowKind) {
    this.#memory = memory;
    this.exports = memory.exports;
    this.histograms = 1 + config.measures.length;
    this.width = AT.SUM_MEASURES + AT.MOMENTS_WIDTH * config.measures.length;
    this.steps_per_slice = Math.ceil(kind.slice_ms / stepOf(kind)) + 1;
    this.#sizes = new Map([
      [AT.KEY_BYTES, 1],
      [AT.KEYS, AT.KEY_ENTRY_BYTES],
      [AT.KEY_PLACES, 4],
      [AT.SLOT_PLACES, 4],
      [AT.PATTERN_PLACES, 4],
      [AT.SLICES, 8],
      [AT.SLOTS, AT.SLOT_BYTES],
      [AT.SUMS, 8 * this.width],
      [AT.STEPS, 8 * this.steps_per_slice],
      [AT.ROWS, 4 * this.pages_per_row * this.histograms],
      [AT.PAGES, 4 * AT.PAGE_BINS],
      [AT.PATTERNS, AT.PATTERN_BYTES],
    ]);
    this.#writeConfig(config, kind);
    this.#writeBins();
    this.#giveRoom([AT.KEY_BYTES], 16 * 1024);
    this.#giveRoom([AT.SLICES, AT.KEYS, AT.SLOTS, AT.SUMS, AT.STEPS, AT.ROWS, AT.PATTERNS], 256);
    this.#giveRoom([AT.KEY_PLACES, AT.SLOT_PLACES, AT.PATTERN_PLACES, AT.PAGES], 512);
  }

  get bytes(): Buffer {
    return this.#memory.bytes;
  }
  get ints(): Int32Array {
    return this.#memory.ints;
  }
  get doubles(): Float64Array {
    return this.#memory.doubles;
  }

  used(region: number): number {
    return this.#memory.used(region);
  }

  /** In bytes. */
  base(region: number): number {
    return this.#memory.base(region);
  }

  int(place: number): number {
    return this.#memory.int(place);
  }

  setInt(place: number, value: number): void {
    this.#memory.setInt(place, value);
  }

  double(place: number): number {
    return this.#memory.double(place);
  }

  setDouble(place: number, value: number): void {
    this.#memory.setDouble(place, value);
  }

  /** One more entry, which is what is there. */
  use(region: number): number {
    const used = this.used(region);
    this.#memory.setUsed(region, used + 1);
    return used;
  }

  /** What is used of regions that hold sums. */
  get size_bytes(): number {
    let slot_bytes = 0;
    for (const region of [...OF_SLOTS, AT.SLOTS]) slot_bytes += this.#sizeOf(region);
    return this.used(AT.SLOTS) * slot_bytes + this.used(AT.PAGES) * this.#sizeOf(AT.PAGES);
  }

  /** Room for what the next record may bring. */
  grow(): void {
    this.#growWhere(AT.KEY_BYTES, KEY_MAX_BYTES, [AT.KEY_BYTES]);
    this.#growWhere(AT.KEYS, 1, [AT.KEYS, AT.KEY_PLACES]);
    this.#growWhere(AT.SLICES, 1, [AT.SLICES]);
    this.#growWhere(AT.SLOTS, 1, [AT.SLOTS, AT.SLOT_PLACES, ...OF_SLOTS]);
    this.#growWhere(AT.PAGES, this.histograms, [AT.PAGES]);
    this.#growWhere(AT.PATTERNS, 1, [AT.PATTERNS, AT.PATTERN_PLACES]);
    this.exports.rehash();
  }

  /** Takes away all but the keys. */
  clearSums(): void {
    const slots = this.used(AT.SLOTS);
    for (const region of OF_SLOTS) this.#zero(region, slots);
    this.#zero(AT.PAGES, this.used(AT.PAGES));
    for (const region of [AT.SLICES, AT.SLOTS, AT.PAGES, AT.PATTERNS]) this.#memory.setUsed(region, 0);
    for (const region of [AT.SLOT_PLACES, AT.PATTERN_PLACES]) this.#zero(region, this.#room(region));
    this.exports.begin();
  }

  clearKeys(): void {
    for (const region of [AT.KEYS, AT.KEY_BYTES]) this.#memory.setUsed(region, 0);
    this.#zero(AT.KEY_PLACES, this.#room(AT.KEY_PLACES));
  }

  #growWhere(region: number, more: number, together: readonly number[]): void {
    if (this.used(region) + more <= this.#room(region)) return;
    for (const one of together) this.#giveRoom([one], 2 * this.#room(one));
  }

  /** Of tables of places nothing is taken over, since they are filled anew. */
  #giveRoom(regions: readonly number[], room: number): void {
    for (const region of regions) {
      // What a slot has is as long as there are slots.
      const used = this.used(OF_SLOTS.includes(region) ? AT.SLOTS : region);
      const size_bytes = this.#sizeOf(region);
      this.#memory.giveRoom(region, room, size_bytes, used * size_bytes);
    }
  }

  #sizeOf(region: number): number {
    return this.#sizes.get(region)!;
  }

  #room(region: number): number {
    return this.#memory.room(region);
  }

  #zero(region: number, entries: number): void {
    const base = this.base(region);
    this.bytes.fill(0, base, base + entries * this.#sizeOf(region));
  }

  #writeConfig(config: WindowConfig, kind: WindowKind): void {
    const by_fields = AT.BY_FIELDS >> 2;
    for (const [index, measure] of [...ALWAYS, ...config.measures].entries())
      this.#writeSource(index, measure);
    for (const [index, field] of config.by.entries()) this.ints[by_fields + index] = fieldNamed(field);
    this.setInt(AT.MEASURE_COUNT, config.measures.length);
    this.setInt(AT.BY_COUNT, config.by.length);
    this.setInt(AT.OVER_ALL, config.over === 'all' ? 1 : 0);
    this.setInt(AT.STEPS_PER_SLICE, this.steps_per_slice);
    this.setInt(AT.PAGES_PER_ROW, this.pages_per_row);
    this.setDouble(AT.RATING_BELOW, config.bad.rating_below);
    this.setDouble(AT.TIME_TO_ACTION_ABOVE, config.bad.time_to_action_above);
    this.setDouble(AT.ASSUMED_RATING, ASSUMED_RATING);
    this.setDouble(AT.ASSUMED_TIME_TO_ACTION, ASSUMED_TIME_TO_ACTION_S);
    this.setDouble(AT.SLICE_MS, kind.slice_ms);
    this.setDouble(AT.STEP_MS, stepOf(kind));
    this.setDouble(AT.LARGEST_VALUE, LARGEST_VALUE);
    this.setDouble(AT.PATTERN_PART_MAX, PATTERN_PART_MAX);
  }

  #writeBins(): void {
    tables ??= binTables(FIRST_BIN, LARGEST_VALUE, AT.CELL_SHIFT);
    const { ends, cells } = tables;
    this.setDouble(AT.SMALLEST_VALUE, SMALLEST);
    this.setInt(AT.BIN_ENDS, this.#memory.put(new Uint8Array(ends.buffer)));
    this.setInt(AT.BIN_CELLS, this.#memory.put(new Uint8Array(cells.buffer)));
  }

  /** Where the measure's number is, and by which bit it is there. */
  #writeSource(index: number, measure: Measure): void {
    const { NUMBERS, STATS, SAID, SAID_STATS } = SCANNED;
    const at = (AT.SOURCES + index * AT.SOURCE_BYTES) >> 2;
    const [, stat] = measure.split('.');
    const number = stat === undefined ? fieldNamed(measure) : STAT_NAMES.indexOf(stat);
    this.ints[at] = (stat === undefined ? NUMBERS : STATS) + 8 * number;
    this.ints[at + 1] = stat === undefined ? SAID : SAID_STATS;
    this.ints[at + 2] = 1 << number;
  }
}
