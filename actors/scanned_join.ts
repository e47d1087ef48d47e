/**
 * The join over records that were scanned and never became objects. What it takes leaves the same state, events and
 * counts as join.ts does; whatever is not as usual (feedback that comes before its prediction, an entry about to expire) it does not take, and leaves no trace of.
 *
 * Where there is one window behind it, records are taken many at a time by wasm/join.ts, in the memory in which the entries lie; what that does
 * not take comes here one by one.
 */
import { parseDuration } from '../messages/duration.ts';
import { PREDICTION } from '../messages/record_scanner.ts';
import type { ScannedJoinable, ScannedRecord } from '../messages/scanned_record.ts';
import type { Context, EntryBytes, RecordRun } from './actor.ts';
import { ByteWriter } from './byte_writer.ts';
import type { CaptureConfig } from './capture_config.ts';
import { EntryReader, EntryWriter } from './join_entry.ts';
import { type Home, JoinMemory } from './join_memory.ts';
import { EVENT_PREFIX, PREDICTION_PREFIX, QUEUE_PREFIX, SEEN_MAX, WAITING_PREFIX } from './join_state.ts';
import type { ScannedCapture, ScannedCounter } from './scanned_capture.ts';

/** Feedback, with what it takes over from its prediction: as `underPrediction`. */
class JoinedFeedback implements ScannedRecord {
  kind = 0;
  time_ms = 0;
  rating = Number.NaN;
  time_to_action = Number.NaN;
  bytes: Buffer = Buffer.alloc(0);
  deployment_id_start = -1;
  deployment_id_end = -1;
  model_version_start = -1;
  model_version_end = -1;
  latency_ms = Number.NaN;
  server_load = Number.NaN;
  has_stats = false;
  stats_mean = Number.NaN;
  stats_std = Number.NaN;
  stats_min = Number.NaN;
  stats_max = Number.NaN;

  join(feedback: ScannedRecord, predicted: ScannedRecord): void {
    this.kind = feedback.kind;
    this.time_ms = feedback.time_ms;
    this.rating = feedback.rating;
    this.time_to_action = feedback.time_to_action;
    this.bytes = predicted.bytes;
    this.deployment_id_start = predicted.deployment_id_start;
    this.deployment_id_end = predicted.deployment_id_end;
    this.model_version_start = predicted.model_version_start;
    this.model_version_end = predicted.model_version_end;
    this.latency_ms = predicted.latency_ms;
    this.server_load = predicted.server_load;
    const { has_stats, stats_mean, stats_std, stats_min, stats_max } = feedback.has_stats
      ? feedback
      : predicted;
    this.has_stats = has_stats;
    this.stats_mean = stats_mean;
    this.stats_std = stats_std;
    this.stats_min = stats_min;
    this.stats_max = stats_max;
  }
}

const PREDICTION_KEY = Buffer.from(PREDICTION_PREFIX);
const QUEUE_KEY = Buffer.from(QUEUE_PREFIX);
const FIRST_WAITING_KEY = Buffer.from(`${WAITING_PREFIX}0|`);
const EVENT_OPENS = Buffer.from(`${EVENT_PREFIX}["`);
const EVENT_FOLLOWS = Buffer.from('","');
const EVENT_CLOSES = Buffer.from('"]');

/** Keys of one prediction id, one prefix after the other. */
class KeyWriter extends ByteWriter {
  write(prefix: Buffer, { bytes, prediction_id_start, prediction_id_end }: ScannedJoinable): void {
    this.clear();
    this.put(prefix);
    this.put(bytes, prediction_id_start, prediction_id_end);
  }

  /** As `eventKey`: ids that were scanned have nothing in them that JSON would escape. */
  event(record: ScannedJoinable): void {
    this.write(EVENT_OPENS, record);
    this.put(EVENT_FOLLOWS);
    this.put(record.bytes, record.event_id_start, record.event_id_end);
    this.put(EVENT_CLOSES);
  }
}

const anywhere = () => true;
const FIRST_OF_EVENT = EVENT_PREFIX.charCodeAt(0);
const FIRST_OF_QUEUE = QUEUE_PREFIX.charCodeAt(0);
const FIRST_OF_WAITING = WAITING_PREFIX.charCodeAt(0);

export class ScannedJoin implements ScannedCapture {
  readonly takes_runs: boolean;
  readonly #in_memory: JoinMemory;
  readonly #source: string;
  readonly #entries: EntryBytes;
  readonly #counters: readonly ScannedCounter[];
  readonly #wait_ms: number;
  readonly #keep_ms: number;
  readonly #key = new KeyWriter();
  readonly #writer: EntryWriter;
  readonly #reader = new EntryReader();
  readonly #joined = new JoinedFeedback();
  #duplicates = 0;
  #pending = 0;
  #joins = 0;
  /** Predictions that got their first feedback, by source. */
  readonly #answered = new Map<string, number>();

  constructor(
    source: string,
    config: CaptureConfig,
    wait: string,
    entries: EntryBytes,
    counters: readonly ScannedCounter[],
    home: Home,
  ) {
    this.#source = source;
    this.#entries = entries;
    this.#counters = counters;
    this.#wait_ms = parseDuration(wait);
    this.#keep_ms = this.#wait_ms + parseDuration(config.lateness);
    const times = { wait_ms: this.#wait_ms, keep_ms: this.#keep_ms };
    this.#in_memory = new JoinMemory(entries.memory, source, home, times);
    this.takes_runs = counters.length === 1 && home.partitioner === 'murmur2' && this.#in_memory.has_room;
    if (this.takes_runs) counters[0]!.scanned.shareMemory(entries.memory);
    this.#writer = new EntryWriter(source);
  }

  take(record: ScannedJoinable, watermark_ms: number): boolean {
    if (record.prediction_id_start < 0) return false;
    return record.kind === PREDICTION
      ? this.#takePrediction(record, watermark_ms)
      : this.#takeFeedback(record, watermark_ms);
  }

  takeRecords(run: RecordRun, most: number): number {
    this.#in_memory.begin();
    const { scanned } = this.#counters[0]!;
    const taken = scanned.takeRecords(run, most, anywhere, () => this.#entries.makeRoom());
    this.#entries.admit();
    return taken;
  }

  #takePrediction(record: ScannedJoinable, watermark_ms: number): boolean {
    const entries = this.#entries;
    if (this.#find(PREDICTION_KEY, record)) {
      if (entries.expires_ms <= watermark_ms) return false;
      this.#duplicates++;
      return true;
    }
    if (this.#isAwaited(record)) return false;
    if (!this.#isCountable(record)) return false;
    for (const { scanned, over } of this.#counters) {
      scanned.addJoinable(record, watermark_ms);
      if (over === 'all') scanned.add(record, watermark_ms);
    }
    const expires_ms = record.time_ms + this.#keep_ms;
    this.#writer.prediction(record, expires_ms);
    this.#key.write(PREDICTION_KEY, record);
    entries.add(this.#key.buffer, this.#key.end, this.#writer.buffer, this.#writer.end, expires_ms);
    entries.mark = this.#writer.mark;
    this.#pending++;
    return true;
  }

  /** Feedback has come before it. */
  #isAwaited(record: ScannedJoinable): boolean {
    if (this.#entries.countOf(FIRST_OF_WAITING) === 0) return false;
    const is_queued = this.#entries.countOf(FIRST_OF_QUEUE) > 0 && this.#find(QUEUE_KEY, record);
    return is_queued || this.#find(FIRST_WAITING_KEY, record);
  }

  #takeFeedback(record: ScannedJoinable, watermark_ms: number): boolean {
    const entries = this.#entries;
    const known = this.#reader;
    const has_event = record.event_id_start >= 0;
    if (has_event && this.#isSeenApart(record)) return false;
    if (!this.#find(PREDICTION_KEY, record)) return false;
    if (entries.expires_ms <= watermark_ms || !known.read(entries)) return false;
    if (has_event) {
      const is_seen = known.hasSeen(entries, record);
      if (is_seen === undefined || known.seen === SEEN_MAX) return false;
      if (is_seen) {
        this.#duplicates++;
        return true;
      }
    }
    if (Math.abs(record.time_ms - known.time_ms) > this.#wait_ms) return false;
    this.#joined.join(record, known.predicted);
    if (!this.#isCountable(this.#joined)) return false;
    for (const { scanned } of this.#counters) scanned.add(this.#joined, watermark_ms);
    this.#joins++;
    if (!known.has_feedback) this.#answered.set(known.source, (this.#answered.get(known.source) ?? 0) + 1);
    if (!known.has_feedback || has_event) this.#answer(record);
    return true;
  }

  #answer(record: ScannedJoinable): void {
    this.#writer.withFeedback(this.#entries, this.#reader, record);
    this.#entries.replace(this.#writer.buffer, this.#writer.end);
    this.#entries.mark = this.#writer.mark;
  }

  /** Its event has an entry of its own, as it came before its prediction, or there was no more room beside that. */
  #isSeenApart(record: ScannedJoinable): boolean {
    if (this.#entries.countOf(FIRST_OF_EVENT) === 0) return false;
    this.#key.event(record);
    return this.#entries.find(this.#key.buffer, this.#key.end);
  }

  /** What `add` of each counter is then about. */
  #isCountable(record: ScannedRecord): boolean {
    for (const { scanned } of this.#counters) if (!scanned.takes(record, anywhere)) return false;
    return true;
  }

  #find(prefix: Buffer, record: ScannedJoinable): boolean {
    this.#key.write(prefix, record);
    return this.#entries.find(this.#key.buffer, this.#key.end);
  }

  settle(count: Context['count']): void {
    const source = this.#source;
    const { duplicates, pending, joins, answered } = this.#in_memory.takeCounts();
    this.#duplicates += duplicates;
    this.#pending += pending;
    this.#joins += joins;
    for (const [predicted, more] of answered)
      this.#answered.set(predicted, (this.#answered.get(predicted) ?? 0) + more);
    if (this.#duplicates > 0) count(source, 'duplicate', this.#duplicates);
    if (this.#pending > 0) count(source, 'pending', this.#pending);
    if (this.#joins > 0) count(source, 'joined', this.#joins);
    for (const [predicted, answered] of this.#answered) {
      count(predicted, 'pending', -answered);
      count(predicted, 'joined', answered);
    }
    this.#duplicates = this.#pending = this.#joins = 0;
    this.#answered.clear();
  }
}
