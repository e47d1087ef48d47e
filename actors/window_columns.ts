/**
 * The sums of slices of windows over records that were scanned and never became objects, kept in the memory of a
 * WebAssembly module (wasm/), one slot per slice and key. What it takes gives the same deltas as `addEvent` does; what it does not
 * take is for the ordinary way.
 */
import { parseDuration } from '../messages/duration.ts';
import { patternKey } from '../messages/pattern_key.ts';
import { fieldNamed, STAT_NAMES } from '../messages/scan/fields.ts';
import * as SCANNED from '../messages/scan/layout.ts';
import type { ScannedRecord } from '../messages/scanned_record.ts';
import type { RecordRun, ScannedInput } from './actor.ts';
import type { LeanAggregate } from './aggregate.ts';
import { type Bins, emptyPage, FEW_MAX, type Pages } from './bins.ts';
import * as AT from './columns_layout.ts';
import { ColumnsMemory, PATTERN_PART_MAX } from './columns_memory.ts';
import { firstStep, stepOf } from './completeness.ts';
import type { CountList } from './counts.ts';
import type { Distribution } from './distribution.ts';
import type { Moments } from './moments.ts';
import { INPUT_BYTES, RegionMemory } from './region_memory.ts';
import type { WindowConfig } from './window_config.ts';
import { dueAt, type WindowDelta, windowKey } from './window_delta.ts';
import type { WindowKind } from './window_kind.ts';

/** Gathers more than this only until the next record: then it asks to be emptied. */
const MAX_BYTES = 64 * 1024 * 1024;
const MAX_KEYS = 200_000;
const MAX_PATTERN_NAMES = 10_000;

const RATING = fieldNamed('rating');
const TIME_TO_ACTION = fieldNamed('time_to_action');
const LATENCY = fieldNamed('latency_ms');
const SERVER_LOAD = fieldNamed('server_load');
const DEPLOYMENT_ID = fieldNamed('deployment_id');
const MODEL_VERSION = fieldNamed('model_version');
const [MEAN, STD, MIN, MAX] = ['mean', 'std', 'min', 'max'].map((name) => STAT_NAMES.indexOf(name));

type IsAtHome = (deployment_id: string) => boolean;

/** A value of the fields by which windows are grouped, and how it is called as a Kafka key. */
interface NamedKey {
  key: WindowDelta['key'];
  name: string;
}

export interface NamedDelta {
  name: string;
  delta: WindowDelta;
}

export class WindowColumns implements ScannedInput {
  /** The event time at which what it holds would come too late; infinity where it holds nothing. */
  due_ms = Number.POSITIVE_INFINITY;
  readonly #config: WindowConfig;
  readonly #kind: WindowKind;
  readonly #lateness_ms: number;
  readonly #step_ms: number;
  /** Of the keys by number; null: it is not at home in this partition. */
  #named: (NamedKey | null)[] = [];
  /** The same few come again and again. */
  readonly #pattern_names = new Map<number, string>();
  /** Only who scans records needs it. */
  #made: ColumnsMemory | null = null;
  #shared: RegionMemory | null = null;
  /** What of which bytes is in the memory's input. A batch has bytes of its own, which do not change. */
  #window: Buffer | null = null;
  #window_start = 0;
  #window_end = 0;

  constructor(config: WindowConfig, kind: WindowKind) {
    this.#config = config;
    this.#kind = kind;
    this.#step_ms = stepOf(kind);
    this.#lateness_ms = parseDuration(config.lateness);
  }

  get #memory(): ColumnsMemory {
    this.#made ??= new ColumnsMemory(this.#shared ?? new RegionMemory(), this.#config, this.#kind);
    return this.#made;
  }

  shareMemory(memory: RegionMemory): void {
    if (this.#made || (this.#shared && this.#shared !== memory))
      throw new Error('the sums lie in another memory already');
    this.#shared = memory;
  }

  /** True if `add` may follow. `isAtHome` is asked once per key. */
  takes(record: ScannedRecord, isAtHome: IsAtHome): boolean {
    const memory = this.#memory;
    const { exports } = memory;
    this.#put(record);
    for (;;) {
      const result = exports.fit();
      if (result === AT.FULL) memory.grow();
      else if (result === AT.NEW_KEY) this.#nameKey(isAtHome);
      else return result === AT.DONE;
    }
  }

  /** The record that `takes` was asked about. */
  add(_record: ScannedRecord, watermark_ms: number): void {
    const { exports } = this.#memory;
    while (exports.add() === AT.NEW_SLICE) this.#openSlice(watermark_ms);
  }

  addJoinable(_record: ScannedRecord, watermark_ms: number): void {
    const { exports } = this.#memory;
    while (exports.addJoinable() === AT.NEW_SLICE) this.#openSlice(watermark_ms);
  }

  takeRecords(run: RecordRun, most: number, isAtHome: IsAtHome, makeRoom?: () => void): number {
    const memory = this.#memory;
    this.#putRun(run);
    let taken = 0;
    while (taken < most) {
      const shift = this.#moveWindow(run);
      const result = memory.exports.takeRecords(run.position + shift, this.#window_end + shift, most - taken);
      const more = memory.int(AT.TAKEN);
      if (more > 0) run.offset_delta = memory.int(AT.LAST_OFFSET_DELTA);
      taken += more;
      run.position = memory.int(AT.NEXT_AT) - shift;
      run.reached_ms = memory.double(AT.REACHED_MS);
      if (result === AT.ENTRIES_FULL) makeRoom!();
      else if (!this.#goesOn(result, run, isAtHome)) break;
    }
    return taken;
  }

  /** Whether more records may follow on what stopped it. */
  #goesOn(result: number, run: RecordRun, isAtHome: IsAtHome): boolean {
    const memory = this.#memory;
    switch (result) {
      case AT.NEW_KEY:
        this.#nameKey(isAtHome);
        return true;
      case AT.NEW_SLICE:
        this.#openSlice(Math.max(run.watermark_ms, Math.min(run.reached_ms, run.held_ms)));
        memory.setDouble(AT.DUE_MS, Math.min(run.due_ms, this.due_ms));
        return true;
      case AT.FULL:
        memory.grow();
        return true;
      case AT.BEYOND:
        // A record that is still cut off where the window begins with it is longer than that, and unusual.
        this.#window = null;
        return run.position !== this.#window_start;
      default:
        return false;
    }
  }

  /** So that the record at `run.position` is in the input; returns by how much places there are ahead of those in the batch. */
  #moveWindow({ bytes, position }: RecordRun): number {
    const memory = this.#memory;
    if (bytes !== this.#window || position < this.#window_start || position > this.#window_end) {
      this.#window = bytes;
      this.#window_start = position;
      this.#window_end = Math.min(position + INPUT_BYTES, bytes.length);
      bytes.copy(memory.bytes, SCANNED.INPUT, position, this.#window_end);
    }
    return SCANNED.INPUT - this.#window_start;
  }

  #putRun(run: RecordRun): void {
    const memory = this.#memory;
    memory.setDouble(AT.BASE_TIMESTAMP_MS, run.base_timestamp_ms);
    memory.setDouble(AT.MAX_AHEAD_MS, run.max_ahead_ms);
    memory.setDouble(AT.LATENESS_MS, run.lateness_ms);
    memory.setDouble(AT.WATERMARK_MS, run.watermark_ms);
    memory.setDouble(AT.HELD_MS, run.held_ms);
    memory.setDouble(AT.REACHED_MS, run.reached_ms);
    memory.setDouble(AT.DISORDER_MS, run.disorder_ms);
    memory.setDouble(AT.DUE_MS, Math.min(run.due_ms, this.due_ms));
    memory.setInt(AT.MAX_RECORD_BYTES, run.max_record_bytes);
    memory.setInt(AT.HAS_OWN_TIMES, run.has_own_times ? 1 : 0);
  }

  /** What is asked of the record, as if it had been scanned here. */
  #put(record: ScannedRecord): void {
    const memory = this.#memory;
    const { ints, doubles } = memory;
    const { SAID, SAID_STATS, TIME_MS } = SCANNED;
    this.#window = null;
    let said = 0;
    let at = SCANNED.INPUT;
    for (const field of this.#config.by) {
      const is_deployment = field === 'deployment_id';
      const start = is_deployment ? record.deployment_id_start : record.model_version_start;
      const end = is_deployment ? record.deployment_id_end : record.model_version_end;
      if (start < 0) continue;
      const number = is_deployment ? DEPLOYMENT_ID : MODEL_VERSION;
      this.#putText(number, at, record.bytes, start, end);
      at += end - start;
      said |= 1 << number;
    }
    said |= this.#putNumber(RATING, record.rating);
    said |= this.#putNumber(TIME_TO_ACTION, record.time_to_action);
    said |= this.#putNumber(LATENCY, record.latency_ms);
    said |= this.#putNumber(SERVER_LOAD, record.server_load);
    ints[SAID >> 2] = said;
    ints[SAID_STATS >> 2] = record.has_stats ? this.#putStats(record) : 0;
    doubles[TIME_MS >> 3] = record.time_ms;
  }

  #putText(field: number, at: number, from: Buffer, start: number, end: number): void {
    const { ints, bytes } = this.#memory;
    ints[(SCANNED.STARTS >> 2) + field] = at;
    ints[(SCANNED.ENDS >> 2) + field] = at + end - start;
    for (let position = start, to = at; position < end; position++, to++) bytes[to] = from[position]!;
  }

  /** Its bit, where it is there. */
  #putNumber(field: number, value: number): number {
    if (Number.isNaN(value)) return 0;
    const { doubles } = this.#memory;
    doubles[(SCANNED.NUMBERS >> 3) + field] = value;
    return 1 << field;
  }

  #putStats({ stats_mean, stats_std, stats_min, stats_max }: ScannedRecord): number {
    return (
      this.#putStat(MEAN!, stats_mean) |
      this.#putStat(STD!, stats_std) |
      this.#putStat(MIN!, stats_min) |
      this.#putStat(MAX!, stats_max)
    );
  }

  #putStat(stat: number, value: number): number {
    if (Number.isNaN(value)) return 0;
    const { doubles } = this.#memory;
    doubles[(SCANNED.STATS >> 3) + stat] = value;
    return 1 << stat;
  }

  /** The key in hand, of which nobody has asked yet whether it is at home. */
  #nameKey(isAtHome: IsAtHome): void {
    const memory = this.#memory;
    const number = memory.exports.keyInHand();
    const at = (memory.base(AT.KEYS) + number * AT.KEY_ENTRY_BYTES) >>> 2;
    const named = this.#nameOf(memory.base(AT.KEY_BYTES) + memory.ints[at + 1]!, isAtHome);
    this.#named[number] = named;
    memory.ints[at + 3] = named === null ? AT.NOT_AT_HOME : AT.AT_HOME;
  }

  #nameOf(start: number, isAtHome: IsAtHome): NamedKey | null {
    const { bytes } = this.#memory;
    const key: WindowDelta['key'] = {};
    let at = start;
    for (const field of this.#config.by) {
      let end = at;
      while (bytes[end] !== AT.KEY_SEPARATOR) end++;
      key[field] = bytes.toString('utf8', at, end);
      at = end + 1;
    }
    const { deployment_id } = key;
    return deployment_id !== undefined && !isAtHome(deployment_id) ? null : { key, name: windowKey(key) };
  }

  /** That of the record in hand. */
  #openSlice(watermark_ms: number): void {
    const memory = this.#memory;
    const { slice_ms } = this.#kind;
    const start_ms = Math.floor(memory.doubles[SCANNED.TIME_MS >> 3]! / slice_ms) * slice_ms;
    memory.doubles[(memory.base(AT.SLICES) >>> 3) + memory.use(AT.SLICES)] = start_ms;
    this.due_ms = Math.min(this.due_ms, dueAt(start_ms + slice_ms, this.#lateness_ms, watermark_ms));
  }

  /** True where what it holds should be handed on before long. */
  get is_full(): boolean {
    return this.#made !== null && this.#made.size_bytes > MAX_BYTES;
  }

  /** All that was added since, as deltas, one per slice and key. */
  *take(): Iterable<NamedDelta> {
    const memory = this.#made;
    if (memory === null) return;
    const patterns = this.#patternsBySlot(memory);
    const slots = memory.used(AT.SLOTS);
    for (let slot = 0; slot < slots; slot++) yield this.#delta(memory, slot, patterns[slot]);
    if (slots > 0) memory.clearSums();
    this.due_ms = Number.POSITIVE_INFINITY;
    if (this.#pattern_names.size > MAX_PATTERN_NAMES) this.#pattern_names.clear();
    if (this.#named.length > MAX_KEYS) {
      memory.clearKeys();
      this.#named = [];
    }
  }

  /** In the order in which they were first seen. */
  #patternsBySlot(memory: ColumnsMemory): CountList[] {
    const { ints, doubles } = memory;
    const by_slot: CountList[] = [];
    const size_bytes = AT.PATTERN_BYTES;
    const first = memory.base(AT.PATTERNS);
    for (let at = first; at < first + memory.used(AT.PATTERNS) * size_bytes; at += size_bytes) {
      const slot = ints[at >>> 2]!;
      let counts = by_slot[slot];
      if (!counts) by_slot[slot] = counts = [];
      counts.push(this.#patternName(doubles[(at >>> 3) + 1]!), ints[(at >>> 2) + 1]!);
    }
    return by_slot;
  }

  #patternName(pattern: number): string {
    let name = this.#pattern_names.get(pattern);
    if (name === undefined) {
      name = patternName(pattern);
      this.#pattern_names.set(pattern, name);
    }
    return name;
  }

  #delta(memory: ColumnsMemory, slot: number, patterns: CountList | undefined): NamedDelta {
    const { ints, doubles } = memory;
    const at = (memory.base(AT.SLOTS) >>> 2) + 2 * slot;
    const { key, name } = this.#named[ints[at]!]!;
    const start_ms = doubles[(memory.base(AT.SLICES) >>> 3) + ints[at + 1]!]!;
    const sums = (memory.base(AT.SUMS) >>> 3) + slot * memory.width;
    const represents = doubles[sums + AT.SUM_EVENTS]!;
    const aggregate = this.#aggregate(memory, slot, sums);
    if (patterns) aggregate.patterns = patterns;
    const predictions = this.#predictionsOf(memory, slot, start_ms);
    if (predictions) aggregate.predictions = predictions;
    const end_ms = start_ms + this.#kind.slice_ms;
    return { name, delta: { key, start_ms, end_ms, represents, aggregate } };
  }

  /** Without the parts in which there is nothing. */
  #aggregate(memory: ColumnsMemory, slot: number, sums: number): LeanAggregate {
    const { doubles } = memory;
    const aggregate: LeanAggregate = {};
    const events = doubles[sums + AT.SUM_EVENTS]!;
    if (events === 0) return aggregate;
    aggregate.events = events;
    const low_ratings = doubles[sums + AT.SUM_LOW_RATINGS]!;
    if (low_ratings > 0) aggregate.low_ratings = low_ratings;
    const slow_actions = doubles[sums + AT.SUM_SLOW_ACTIONS]!;
    if (slow_actions > 0) aggregate.slow_actions = slow_actions;
    const input_mean = momentsAt(doubles, sums + AT.SUM_INPUT_MEAN);
    if (input_mean.count > 0) aggregate.input_mean = input_mean;
    const latency_ms = this.#distribution(memory, slot, sums + AT.SUM_LATENCY, 0);
    if (latency_ms) aggregate.latency_ms = latency_ms;
    const measures: LeanAggregate['measures'] = {};
    let is_any = false;
    for (const [index, name] of this.#config.measures.entries()) {
      const at = sums + AT.SUM_MEASURES + AT.MOMENTS_WIDTH * index;
      const distribution = this.#distribution(memory, slot, at, 1 + index);
      if (!distribution) continue;
      measures[name] = distribution;
      is_any = true;
    }
    if (is_any) aggregate.measures = measures;
    return aggregate;
  }

  #predictionsOf(memory: ColumnsMemory, slot: number, start_ms: number): CountList | undefined {
    const { doubles, steps_per_slice } = memory;
    const first = Math.floor(start_ms / this.#step_ms) - firstStep(this.#kind, start_ms);
    const at = (memory.base(AT.STEPS) >>> 3) + slot * steps_per_slice;
    const predictions: CountList = [];
    for (let step = 0; step < steps_per_slice; step++) {
      const count = doubles[at + step]!;
      if (count !== 0) predictions.push(first + step, count);
    }
    return predictions.length > 0 ? predictions : undefined;
  }

  #distribution(
    memory: ColumnsMemory,
    slot: number,
    at: number,
    histogram: number,
  ): Distribution | undefined {
    const moments = momentsAt(memory.doubles, at);
    if (moments.count === 0) return undefined;
    const row = (memory.base(AT.ROWS) >>> 2) + (slot * memory.histograms + histogram) * memory.pages_per_row;
    return { ...moments, bins: binsOf(memory, row, moments.count > FEW_MAX) };
  }
}

/** Of the row of pages that begins at this int. */
function binsOf(memory: ColumnsMemory, row: number, by_page: boolean): Bins {
  const { ints, pages_per_row, first_page } = memory;
  const pages: Pages = {};
  const few: number[] = [];
  for (let index = 0; index < pages_per_row; index++) {
    const page = ints[row + index]!;
    if (page === 0) continue;
    const counts = (memory.base(AT.PAGES) >>> 2) + (page - 1) * AT.PAGE_BINS;
    if (by_page) pages[first_page + index] = countsAt(ints, counts);
    else pushFew(few, ints, counts, (first_page + index) * AT.PAGE_BINS);
  }
  return by_page ? pages : few;
}

function countsAt(ints: Int32Array, at: number): number[] {
  const counts = emptyPage();
  for (let bin = 0; bin < AT.PAGE_BINS; bin++) counts[bin] = ints[at + bin]!;
  return counts;
}

/** Bin and count in turn. */
function pushFew(few: number[], ints: Int32Array, at: number, first_bin: number): void {
  for (let bin = 0; bin < AT.PAGE_BINS; bin++) {
    const count = ints[at + bin]!;
    if (count !== 0) few.push(first_bin + bin, count);
  }
}

function momentsAt(doubles: Float64Array, at: number): Moments {
  return { count: doubles[at]!, sum: doubles[at + 1]!, sum_squares: doubles[at + 2]! };
}

function patternName(pattern: number): string {
  const mean = Math.floor(pattern / (2 * PATTERN_PART_MAX));
  return patternKey({ mean, std: pattern - mean * (2 * PATTERN_PART_MAX) - PATTERN_PART_MAX });
}
