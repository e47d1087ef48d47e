/**
 * One input partition of a task: what was fetched and not yet processed, how far it is, and what it says of time.
 *
 * An input is idle only where it was read to its end on a healthy connection and nothing came for `idle_ms`; an
 * outage, a pause or a full buffer is not idleness.
 */

import type { RecordCursor } from '../wire/record_cursor.ts';
import type { PartitionSink } from './log_reader.ts';
import { type Chunk, ChunkReader, type LogRecord } from './partition_reader.ts';
import type { InputPlan } from './plan.ts';
import type { InputTime } from './watermarks.ts';
import { EventTimeInput, type UpstreamInput } from './watermarks.ts';

/** What may wait in memory per input before it is left out of the next fetch. */
const BUFFER_MAX_BYTES = 4 * 1024 * 1024;
/** A broker that was heard from within this time is there. */
const HEALTHY_WITHIN_MS = 2_000;

export interface InputStatus {
  topic: string;
  partition: number;
  position: number;
  end_offset: number | null;
  lag: number | null;
  watermark_ms: number | null;
  idle: boolean;
  paused: boolean;
}

export class TaskInput implements PartitionSink {
  readonly plan: InputPlan;
  readonly partition: number;
  readonly clock: EventTimeInput | UpstreamInput | null;
  /** Offset of the next record to process. */
  position: number;
  paused = false;
  unhealthy: string | null = null;
  readonly #chunks: Chunk[] = [];
  /** Records that were taken and are to be taken again, before all others. */
  #given_back: LogRecord[] = [];
  /** Where `position` was when they were given back. */
  #taken_up_to = 0;
  readonly #changed: () => void;
  /** Told of a gap in the log; answers where to go on. */
  readonly #onGap: (from: number, log_start_offset: number) => void;
  readonly #reader = new ChunkReader();
  #buffered_bytes = 0;
  #end_offset: number | null = null;
  #answered_ms = 0;
  /** A record of the chunk that is read was made an object, which shares memory with it. */
  #is_kept = false;
  /** Since when there has been nothing to read; null while there is. */
  #quiet_since_ms: number | null = null;

  constructor(
    options: { plan: InputPlan; partition: number; position: number; clock: TaskInput['clock'] },
    changed: () => void,
    onGap: (from: number, log_start_offset: number) => void,
  ) {
    this.plan = options.plan;
    this.partition = options.partition;
    this.position = options.position;
    this.clock = options.clock;
    this.#changed = changed;
    this.#onGap = onGap;
  }

  wantsMore(): boolean {
    return !this.paused && this.#buffered_bytes < BUFFER_MAX_BYTES;
  }

  onChunk(chunk: Chunk, end_offset: number): void {
    this.#end_offset = end_offset;
    this.#answered_ms = Date.now();
    this.unhealthy = null;
    if (chunk.next_offset === this.#fetchedUpTo()) {
      chunk.lease?.release();
      return;
    }
    if (this.#chunks.push(chunk) === 1) this.#reader.open(chunk);
    this.#buffered_bytes += chunk.size_bytes;
    this.#quiet_since_ms = null;
    this.#changed();
  }

  onOutOfRange(position: number, log_start_offset: number): void {
    this.#onGap(position, log_start_offset);
  }

  onUnhealthy(reason: string): void {
    this.unhealthy = reason;
    this.#quiet_since_ms = null;
  }

  /** True if `takeNext` has something, be it only offsets without records (markers, aborted records). */
  get has_next(): boolean {
    return this.#given_back.length > 0 || this.#chunks.length > 0;
  }

  /**
   * Moves on to the next record, and `position` past it; false where a chunk ended. The record is what `cursor`
   * stands on.
   */
  advance(): boolean {
    if (this.#chunks.length === 0) return false;
    if (this.#reader.next()) {
      this.position = this.#reader.cursor.offset + 1;
      return true;
    }
    const { next_offset, size_bytes, lease } = this.#chunks.shift()!;
    if (!this.#is_kept) lease?.release();
    this.#is_kept = false;
    this.#buffered_bytes -= size_bytes;
    this.position = next_offset;
    if (this.#chunks.length > 0) this.#reader.open(this.#chunks[0]!);
    return false;
  }

  /** As if `advance` had come to the last of so many records, from that which `cursor` stands on. */
  pass(records: number, position: number, offset_delta: number): void {
    this.cursor.pass(records, position, offset_delta);
    this.position = this.cursor.offset + 1;
  }

  get cursor(): RecordCursor {
    return this.#reader.cursor;
  }

  /** What `cursor` stands on, as an object whose bytes are good until its chunk is passed: copy what is kept. */
  borrowed(): LogRecord {
    return this.#reader.record();
  }

  /** As `borrowed`, with bytes that stay. */
  record(): LogRecord {
    this.#is_kept = true;
    return this.#reader.record();
  }

  /** `advance`, and the record as an object. */
  takeNext(): LogRecord | undefined {
    const again = this.#given_back.shift();
    if (!again) return this.advance() ? this.record() : undefined;
    this.position = this.#given_back[0]?.offset ?? this.#taken_up_to;
    return again;
  }

  /** The last records that `takeNext` gave, in their order, are given again; `position` is back at the first of them. */
  giveBack(records: readonly LogRecord[]): void {
    if (records.length === 0) return;
    if (this.#given_back.length === 0) this.#taken_up_to = this.position;
    this.#given_back.unshift(...records);
    this.position = records[0]!.offset;
  }

  /** Everything that the log had at the last answer is processed. */
  get at_end(): boolean {
    return !this.has_next && this.#end_offset !== null && this.position >= this.#end_offset;
  }

  get time(): InputTime | null {
    return this.clock?.time ?? null;
  }

  /** True if its time changed: it has just been found idle (or still is, a while later), or no longer can be. */
  checkIdle(now_ms: number): boolean {
    const time = this.plan.time;
    if (time.type !== 'event_time' || !(this.clock instanceof EventTimeInput)) return false;
    const quiet =
      this.at_end &&
      !this.paused &&
      this.unhealthy === null &&
      now_ms - this.#answered_ms < HEALTHY_WITHIN_MS;
    if (!quiet) {
      this.#quiet_since_ms = null;
      return this.paused || this.unhealthy !== null ? this.clock.becomeLive() : false;
    }
    this.#quiet_since_ms ??= now_ms;
    const idle_ms = time.clock === 'event' ? 0 : time.idle_ms;
    if (idle_ms === null || now_ms - this.#quiet_since_ms < idle_ms) return false;
    if (time.clock === 'event') {
      if (this.clock.time.type === 'idle') return false;
      this.clock.becomeIdle(null);
      return true;
    }
    this.#quiet_since_ms = now_ms;
    this.clock.becomeIdle(now_ms);
    return true;
  }

  status(): InputStatus {
    const time = this.time;
    const lag = this.#end_offset === null ? null : Math.max(0, this.#end_offset - this.position);
    return {
      topic: this.plan.topic,
      partition: this.partition,
      position: this.position,
      end_offset: this.#end_offset,
      lag,
      watermark_ms: time && time.type !== 'unknown' ? time.value_ms : null,
      idle: time?.type === 'idle',
      paused: this.paused,
    };
  }

  #fetchedUpTo(): number {
    return this.#chunks.at(-1)?.next_offset ?? this.position;
  }
}
