/**
 * The sums of slices of windows over records that were scanned and never became objects: numbers in typed arrays, one
 * slot per slice and key. What it takes gives the same deltas as `addEvent` does; what it does not take is for the
 * ordinary way.
 */
import { parseDuration } from '../messages/duration.ts';
import { patternKey } from '../messages/pattern_key.ts';
import type { ScannedRecord } from '../messages/scanned_record.ts';
import type { LeanAggregate } from './aggregate.ts';
import { FEW_MAX } from './bins.ts';
import { firstStep, stepOf } from './completeness.ts';
import type { CountList } from './counts.ts';
import { binOf, type Distribution } from './distribution.ts';
import { HistogramPages } from './histogram_pages.ts';
import { grown, KeyTable } from './key_table.ts';
import type { Measure } from './measures.ts';
import type { Moments } from './moments.ts';
import type { WindowConfig } from './window_config.ts';
import { dueAt, type WindowDelta, windowKey } from './window_delta.ts';
import type { WindowKind } from './window_kind.ts';

/** What a slot holds in `#sums`. */
const EVENTS = 0;
const LOW_RATINGS = 1;
const SLOW_ACTIONS = 2;
const INPUT_MEAN = 3;
const LATENCY = 6;
const MEASURES = 9;
const MOMENTS_WIDTH = 3;

/** Bins of values from a thousandth to a thousand million; the others take the ordinary way. */
const FIRST_BIN = -352;
const END_BIN = 1056;
const LARGEST_VALUE = 1e9;

/** Gathers more than this only until the next record: then it asks to be emptied. */
const MAX_BYTES = 64 * 1024 * 1024;
const MAX_KEYS = 200_000;
const MAX_PATTERN_NAMES = 10_000;
/** Truncated means and deviations that a number can hold both of. */
const MAX_PATTERN_PART = 1 << 25;

/** A value of the fields by which windows are grouped, and how it is called as a Kafka key. */
interface NamedKey {
  key: WindowDelta['key'];
  name: string;
}

export interface NamedDelta {
  name: string;
  delta: WindowDelta;
}

interface OpenSlice {
  index: number;
  start_ms: number;
  end_ms: number;
  /** Key → slot + 1; 0: none. */
  slots: Int32Array;
}

const NO_SLICE: OpenSlice = { index: -1, start_ms: 0, end_ms: 0, slots: new Int32Array(0) };

export class WindowColumns {
  /** The event time at which what it holds would come too late; infinity where it holds nothing. */
  due_ms = Number.POSITIVE_INFINITY;
  readonly #config: WindowConfig;
  readonly #kind: WindowKind;
  readonly #slice_ms: number;
  readonly #lateness_ms: number;
  readonly #measures: ((record: ScannedRecord) => number)[];
  /** Of the record in hand, by measure. */
  readonly #values: Float64Array;
  readonly #width: number;
  readonly #keys = new KeyTable();
  /** Per key; null: it is not at home in this partition. */
  #named: (NamedKey | null)[] = [];
  #slices: OpenSlice[] = [];
  /** By where they begin. */
  readonly #slice_at = new Map<number, OpenSlice>();
  #slice = NO_SLICE;
  #sums: Float64Array;
  /** Per slot the predictions of each step of its slice. */
  #predictions = new Float64Array(0);
  readonly #step_ms: number;
  readonly #steps_per_slice: number;
  #patterns: (Map<number, number> | undefined)[] = [];
  /** The same few come again and again. */
  readonly #pattern_names = new Map<number, string>();
  readonly #histograms: HistogramPages[];
  #slot_keys = new Int32Array(64);
  #slot_slices = new Int32Array(64);
  #slots = 0;
  #key = -1;

  constructor(config: WindowConfig, kind: WindowKind) {
    this.#config = config;
    this.#kind = kind;
    this.#slice_ms = kind.slice_ms;
    this.#step_ms = stepOf(kind);
    this.#steps_per_slice = Math.ceil(this.#slice_ms / this.#step_ms) + 1;
    this.#lateness_ms = parseDuration(config.lateness);
    this.#measures = config.measures.map(scannedMeasure);
    this.#values = new Float64Array(this.#measures.length);
    this.#width = MEASURES + MOMENTS_WIDTH * this.#measures.length;
    this.#sums = new Float64Array(64 * this.#width);
    const histograms = 1 + this.#measures.length;
    this.#histograms = Array.from({ length: histograms }, () => new HistogramPages(FIRST_BIN, END_BIN));
  }

  /** True if `add` may follow. `isAtHome` is asked once per key. */
  takes(record: ScannedRecord, isAtHome: (deployment_id: string) => boolean): boolean {
    if (!this.#fits(record)) return false;
    this.#keys.begin();
    for (const field of this.#config.by) {
      const start = field === 'deployment_id' ? record.deployment_id_start : record.model_version_start;
      const end = field === 'deployment_id' ? record.deployment_id_end : record.model_version_end;
      if (start < 0) return false;
      this.#keys.field(record.bytes, start, end);
    }
    this.#key = this.#keys.number();
    if (this.#key === this.#named.length) this.#named.push(this.#nameOf(record, isAtHome));
    return this.#named[this.#key] !== null;
  }

  /** The record that `takes` was asked about. */
  add(record: ScannedRecord, watermark_ms: number): void {
    const slot = this.#slotAt(record.time_ms, watermark_ms);
    const sums = this.#sums;
    const at = slot * this.#width;
    sums[at + EVENTS]!++;
    if (record.rating < this.#config.bad.rating_below) sums[at + LOW_RATINGS]!++;
    if (record.time_to_action > this.#config.bad.time_to_action_above) sums[at + SLOW_ACTIONS]!++;
    if (record.has_stats) {
      addMoments(sums, at + INPUT_MEAN, record.stats_mean);
      this.#addPattern(slot, record);
    }
    if (record.latency_ms >= 0) this.#addValue(slot, at + LATENCY, 0, record.latency_ms);
    for (let index = 0; index < this.#values.length; index++) {
      const value = this.#values[index]!;
      if (!Number.isNaN(value)) this.#addValue(slot, at + MEASURES + MOMENTS_WIDTH * index, 1 + index, value);
    }
  }

  /** As `add`, of a prediction; counts it by its step of time. */
  addJoinable(record: ScannedRecord, watermark_ms: number): void {
    const slot = this.#slotAt(record.time_ms, watermark_ms);
    const step = Math.floor(record.time_ms / this.#step_ms);
    const first = Math.floor(this.#slice.start_ms / this.#step_ms);
    const at = slot * this.#steps_per_slice + step - first;
    const missing = at + 1 - this.#predictions.length;
    if (missing > 0) this.#predictions = grown(this.#predictions, missing);
    this.#predictions[at]!++;
  }

  /** True where what it holds should be handed on before long. */
  get is_full(): boolean {
    const slot_bytes = 8 * (this.#width + this.#steps_per_slice);
    let size_bytes = 4 * this.#slices.length * this.#keys.size + this.#slots * slot_bytes;
    for (const histogram of this.#histograms) size_bytes += histogram.size_bytes;
    return size_bytes > MAX_BYTES;
  }

  /** All that was added since, as deltas, one per slice and key. */
  *take(): Iterable<NamedDelta> {
    for (let slot = 0; slot < this.#slots; slot++) yield this.#delta(slot);
    this.#sums.fill(0, 0, this.#slots * this.#width);
    this.#predictions.fill(0, 0, this.#slots * this.#steps_per_slice);
    for (const histogram of this.#histograms) histogram.clear();
    this.#patterns = [];
    this.#slices = [];
    this.#slice_at.clear();
    this.#slice = NO_SLICE;
    this.#slots = 0;
    this.due_ms = Number.POSITIVE_INFINITY;
    if (this.#pattern_names.size > MAX_PATTERN_NAMES) this.#pattern_names.clear();
    if (this.#keys.size > MAX_KEYS) {
      this.#keys.clear();
      this.#named = [];
    }
  }

  #fits(record: ScannedRecord): boolean {
    if (record.has_stats) {
      const { stats_mean, stats_std } = record;
      if (!(Math.abs(stats_mean) < MAX_PATTERN_PART && Math.abs(stats_std) < MAX_PATTERN_PART)) return false;
    }
    if (record.latency_ms >= 0 && !hasBin(record.latency_ms)) return false;
    for (let index = 0; index < this.#measures.length; index++) {
      const value = this.#measures[index]!(record);
      this.#values[index] = value;
      if (!Number.isNaN(value) && !hasBin(value)) return false;
    }
    return true;
  }

  #nameOf(record: ScannedRecord, isAtHome: (deployment_id: string) => boolean): NamedKey | null {
    const text = (start: number, end: number) => record.bytes.toString('utf8', start, end);
    const { deployment_id_start, deployment_id_end, model_version_start, model_version_end } = record;
    const deployment_id = text(deployment_id_start, deployment_id_end);
    if (!isAtHome(deployment_id)) return null;
    const model_version = () => text(model_version_start, model_version_end);
    const fields = this.#config.by.map((field) => [
      field,
      field === 'deployment_id' ? deployment_id : model_version(),
    ]);
    const key = Object.fromEntries(fields);
    return { key, name: windowKey(key) };
  }

  #slotAt(time_ms: number, watermark_ms: number): number {
    if (time_ms < this.#slice.start_ms || time_ms >= this.#slice.end_ms)
      this.#slice = this.#sliceAt(time_ms, watermark_ms);
    const slice = this.#slice;
    if (this.#key >= slice.slots.length) slice.slots = grown(slice.slots, this.#key + 1 - slice.slots.length);
    const found = slice.slots[this.#key]! - 1;
    if (found >= 0) return found;
    const slot = this.#slots++;
    slice.slots[this.#key] = slot + 1;
    this.#open(slot);
    return slot;
  }

  #open(slot: number): void {
    if (slot >= this.#slot_keys.length) {
      this.#slot_keys = grown(this.#slot_keys, 1);
      this.#slot_slices = grown(this.#slot_slices, 1);
      this.#sums = grown(this.#sums, 1);
    }
    this.#slot_keys[slot] = this.#key;
    this.#slot_slices[slot] = this.#slice.index;
  }

  #sliceAt(time_ms: number, watermark_ms: number): OpenSlice {
    const start_ms = Math.floor(time_ms / this.#slice_ms) * this.#slice_ms;
    const known = this.#slice_at.get(start_ms);
    if (known) return known;
    const end_ms = start_ms + this.#slice_ms;
    const slots = new Int32Array(Math.max(64, this.#keys.size));
    const slice = { index: this.#slices.length, start_ms, end_ms, slots };
    this.#slices.push(slice);
    this.#slice_at.set(start_ms, slice);
    this.due_ms = Math.min(this.due_ms, dueAt(end_ms, this.#lateness_ms, watermark_ms));
    return slice;
  }

  #addPattern(slot: number, { stats_mean, stats_std }: ScannedRecord): void {
    let counts = this.#patterns[slot];
    if (!counts) this.#patterns[slot] = counts = new Map();
    const pattern =
      Math.trunc(stats_mean) * (2 * MAX_PATTERN_PART) + Math.trunc(stats_std) + MAX_PATTERN_PART;
    counts.set(pattern, (counts.get(pattern) ?? 0) + 1);
  }

  #addValue(slot: number, at: number, histogram: number, value: number): void {
    addMoments(this.#sums, at, value);
    this.#histograms[histogram]!.count(slot, binOf(value));
  }

  #delta(slot: number): NamedDelta {
    const { key, name } = this.#named[this.#slot_keys[slot]!]!;
    const { start_ms, end_ms } = this.#slices[this.#slot_slices[slot]!]!;
    const represents = this.#sums[slot * this.#width + EVENTS]!;
    return { name, delta: { key, start_ms, end_ms, represents, aggregate: this.#aggregate(slot) } };
  }

  /** Without the parts in which there is nothing. */
  #aggregate(slot: number): LeanAggregate {
    const sums = this.#sums;
    const at = slot * this.#width;
    const aggregate: LeanAggregate = {};
    if (sums[at + EVENTS]! > 0) {
      aggregate.events = sums[at + EVENTS]!;
      if (sums[at + LOW_RATINGS]! > 0) aggregate.low_ratings = sums[at + LOW_RATINGS]!;
      if (sums[at + SLOW_ACTIONS]! > 0) aggregate.slow_actions = sums[at + SLOW_ACTIONS]!;
      if (sums[at + INPUT_MEAN]! > 0) aggregate.input_mean = momentsAt(sums, at + INPUT_MEAN);
      if (sums[at + LATENCY]! > 0) aggregate.latency_ms = this.#distribution(slot, at + LATENCY, 0);
      this.#putMeasures(aggregate, slot, at + MEASURES);
      const patterns = this.#patterns[slot];
      if (patterns) aggregate.patterns = this.#namedPatterns(patterns);
    }
    const predictions = this.#predictionsOf(slot);
    if (predictions) aggregate.predictions = predictions;
    return aggregate;
  }

  #namedPatterns(counts: ReadonlyMap<number, number>): CountList {
    const patterns: CountList = [];
    for (const [pattern, count] of counts)
      patterns.push(this.#pattern_names.get(pattern) ?? this.#namePattern(pattern), count);
    return patterns;
  }

  #namePattern(pattern: number): string {
    const name = patternName(pattern);
    this.#pattern_names.set(pattern, name);
    return name;
  }

  #putMeasures(aggregate: LeanAggregate, slot: number, first_at: number): void {
    const measures: LeanAggregate['measures'] = {};
    let is_any = false;
    for (const [index, name] of this.#config.measures.entries()) {
      const at = first_at + MOMENTS_WIDTH * index;
      if (this.#sums[at] === 0) continue;
      measures[name] = this.#distribution(slot, at, 1 + index);
      is_any = true;
    }
    if (is_any) aggregate.measures = measures;
  }

  #predictionsOf(slot: number): CountList | undefined {
    const { start_ms } = this.#slices[this.#slot_slices[slot]!]!;
    const first = Math.floor(start_ms / this.#step_ms) - firstStep(this.#kind, start_ms);
    const predictions: CountList = [];
    for (let step = 0; step < this.#steps_per_slice; step++) {
      const count = this.#predictions[slot * this.#steps_per_slice + step] ?? 0;
      if (count !== 0) predictions.push(first + step, count);
    }
    return predictions.length > 0 ? predictions : undefined;
  }

  #distribution(slot: number, at: number, histogram: number): Distribution {
    const moments = momentsAt(this.#sums, at);
    const pages = this.#histograms[histogram]!;
    return { ...moments, bins: moments.count > FEW_MAX ? pages.bins(slot) : pages.few(slot) };
  }
}

/** As `measured` in measures.ts. NaN: absent. */
function scannedMeasure(measure: Measure): (record: ScannedRecord) => number {
  switch (measure) {
    case 'rating':
      return (record) => record.rating;
    case 'time_to_action':
      return (record) => record.time_to_action;
    case 'latency_ms':
      return (record) => record.latency_ms;
    case 'server_load':
      return (record) => record.server_load;
    case 'input_stats.mean':
      return (record) => record.stats_mean;
    case 'input_stats.std':
      return (record) => record.stats_std;
    case 'input_stats.min':
      return (record) => record.stats_min;
    case 'input_stats.max':
      return (record) => record.stats_max;
  }
}

function hasBin(value: number): boolean {
  return value >= 0 && value <= LARGEST_VALUE;
}

function addMoments(sums: Float64Array, at: number, value: number): void {
  sums[at]! += 1;
  sums[at + 1]! += value;
  sums[at + 2]! += value * value;
}

function momentsAt(sums: Float64Array, at: number): Moments {
  return { count: sums[at]!, sum: sums[at + 1]!, sum_squares: sums[at + 2]! };
}

function patternName(pattern: number): string {
  const mean = Math.floor(pattern / (2 * MAX_PATTERN_PART));
  return patternKey({ mean, std: pattern - mean * (2 * MAX_PATTERN_PART) - MAX_PATTERN_PART });
}
