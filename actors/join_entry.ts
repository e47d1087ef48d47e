/**
 * The entry of a prediction in the join's state (join_state.ts) as bytes: written from a scanned record, and read for
 * scanned feedback, without making objects. Entries with more in them than is written here are left to who makes objects.
 */
import { RecordScanner } from '../messages/record_scanner.ts';
import { TextCache } from '../messages/scan/text_cache.ts';
import { Word } from '../messages/scan/word.ts';
import type { ScannedJoinable } from '../messages/scanned_record.ts';
import type { EntryBytes } from './actor.ts';
import { PREDICTION_PREFIX } from './join_state.ts';

const EXPIRES = '{"expires_ms":';
const SOURCE = ',"source":"';
const TIME = '","time_ms":';
const PREDICTED = ',"predicted":';
const HAS_FEEDBACK = ',"has_feedback":true';

const QUOTE = 0x22;
const CLOSE_BRACE = 0x7d;
const ZERO = 0x30;
/** No safe integer has more. */
const DIGITS_MAX = 16;
const FIRST_OF_PREDICTION = PREDICTION_PREFIX.charCodeAt(0);

/** Longer pieces are copied by the runtime, which has to be asked. */
const SHORT_BYTES = 64;

/** Puts bytes together in a buffer that is used again and again. */
export class EntryWriter {
  buffer = Buffer.alloc(1024);
  end = 0;
  readonly #expires = Buffer.from(EXPIRES);
  readonly #source_and_time: Buffer;
  readonly #deployment_id = Buffer.from(`${PREDICTED}{"deployment_id":"`);
  readonly #model_version = Buffer.from('","model_version":"');
  readonly #quote = Buffer.from('"');
  readonly #input_stats = Buffer.from(',"input_stats":');
  readonly #latency_ms = Buffer.from(',"latency_ms":');
  readonly #server_load = Buffer.from(',"server_load":');
  readonly #end = Buffer.from('}}');
  readonly #has_feedback = Buffer.from(`${HAS_FEEDBACK}}`);

  /** `source`: of the predictions. */
  constructor(source: string) {
    const quoted = JSON.stringify(source);
    this.#source_and_time = Buffer.from(`${SOURCE}${quoted.slice(1, -1)}${TIME}`);
  }

  /** As `KnownPrediction`. */
  prediction(record: ScannedJoinable, expires_ms: number): void {
    const { bytes } = record;
    this.end = 0;
    this.#put(this.#expires, 0, this.#expires.length);
    this.#putNumber(expires_ms);
    this.#put(this.#source_and_time, 0, this.#source_and_time.length);
    this.#putNumber(record.time_ms);
    this.#put(this.#deployment_id, 0, this.#deployment_id.length);
    this.#put(bytes, record.deployment_id_start, record.deployment_id_end);
    this.#put(this.#model_version, 0, this.#model_version.length);
    this.#put(bytes, record.model_version_start, record.model_version_end);
    this.#put(this.#quote, 0, 1);
    this.#putMember(this.#input_stats, bytes, record.input_stats_start, record.input_stats_end);
    this.#putMember(this.#latency_ms, bytes, record.latency_ms_start, record.latency_ms_end);
    this.#putMember(this.#server_load, bytes, record.server_load_start, record.server_load_end);
    this.#put(this.#end, 0, 2);
  }

  /** The entry in hand, with its first feedback. */
  withFeedback({ bytes, value_start, value_end }: EntryBytes): void {
    this.end = 0;
    this.#put(bytes, value_start, value_end - 1);
    this.#put(this.#has_feedback, 0, this.#has_feedback.length);
  }

  #putMember(name: Buffer, bytes: Buffer, start: number, end: number): void {
    if (start < 0) return;
    this.#put(name, 0, name.length);
    this.#put(bytes, start, end);
  }

  #put(bytes: Buffer, start: number, end: number): void {
    const at = this.end;
    this.end = at + end - start;
    if (this.end > this.buffer.length) this.#grow(at);
    const { buffer } = this;
    if (end - start > SHORT_BYTES) bytes.copy(buffer, at, start, end);
    else for (let from = start, to = at; from < end; from++, to++) buffer[to] = bytes[from]!;
  }

  /** A whole number, not below 0, as all times are. */
  #putNumber(value: number): void {
    const start = this.end;
    this.end = start + DIGITS_MAX;
    if (this.end > this.buffer.length) this.#grow(start);
    const upper = Math.floor(value / 1e9);
    let at = upper > 0 ? this.#putDigits(start, upper, 1) : start;
    at = this.#putDigits(at, value - upper * 1e9, upper > 0 ? 9 : 1);
    this.end = at;
  }

  /** At least so many, with zeros in front. */
  #putDigits(start: number, value: number, least: number): number {
    const { buffer } = this;
    let digits = least;
    for (let power = 10 ** least; power <= value; power *= 10) digits++;
    let rest = value;
    for (let at = start + digits - 1; at >= start; at--) {
      const tenth = Math.floor(rest / 10);
      buffer[at] = ZERO + rest - 10 * tenth;
      rest = tenth;
    }
    return start + digits;
  }

  #grow(used: number): void {
    const grown = Buffer.alloc(2 * this.end);
    this.buffer.copy(grown, 0, 0, used);
    this.buffer = grown;
  }
}

const EXPIRES_WORD = new Word(EXPIRES);
const SOURCE_WORD = new Word(SOURCE);
const TIME_WORD = new Word(TIME);
const PREDICTED_WORD = new Word(PREDICTED);
const HAS_FEEDBACK_WORD = new Word(HAS_FEEDBACK);

export class EntryReader {
  readonly predicted = new RecordScanner();
  source = '';
  time_ms = 0;
  has_feedback = false;
  readonly #sources = new TextCache();
  #view!: DataView;
  #at = 0;
  #end = 0;

  /** Reads the entry in hand, which is a prediction's; false where it is written in an unusual way. */
  read({ bytes, view, value_start, value_end }: EntryBytes): boolean {
    this.#view = view;
    this.#at = value_start;
    this.#end = value_end;
    if (!this.#skip(EXPIRES_WORD) || Number.isNaN(this.#number(bytes))) return false;
    if (!this.#skip(SOURCE_WORD)) return false;
    const source_start = this.#at;
    while (this.#at < value_end && bytes[this.#at] !== QUOTE) this.#at++;
    this.source = this.#sources.text(bytes, source_start, this.#at);
    if (!this.#skip(TIME_WORD)) return false;
    this.time_ms = this.#number(bytes);
    if (Number.isNaN(this.time_ms) || !this.#skip(PREDICTED_WORD)) return false;
    if (!this.predicted.scanPart(bytes, view, this.#at, value_end)) return false;
    this.#at = this.predicted.at;
    this.has_feedback = this.#skip(HAS_FEEDBACK_WORD);
    return this.has_feedback || (this.#at === value_end - 1 && bytes[this.#at] === CLOSE_BRACE);
  }

  /** Tells of the entry in hand whether it is a prediction with feedback, if that is its last member. */
  isJoined({ bytes, view, key_start, value_start, value_end }: EntryBytes): boolean {
    const at = value_end - 1 - HAS_FEEDBACK_WORD.length;
    return bytes[key_start] === FIRST_OF_PREDICTION && at > value_start && HAS_FEEDBACK_WORD.isAt(view, at);
  }

  #skip(word: Word): boolean {
    const end = this.#at + word.length;
    if (end > this.#end || !word.isAt(this.#view, this.#at)) return false;
    this.#at = end;
    return true;
  }

  /** A whole number; NaN where there is none. */
  #number(bytes: Buffer): number {
    const start = this.#at;
    let value = 0;
    let at = start;
    for (let digit = bytes[at]! - ZERO; digit >= 0 && digit <= 9; digit = bytes[++at]! - ZERO)
      value = value * 10 + digit;
    this.#at = at;
    return at > start && value <= Number.MAX_SAFE_INTEGER ? value : Number.NaN;
  }
}

export function isPrediction({ bytes, key_start }: EntryBytes): boolean {
  return bytes[key_start] === FIRST_OF_PREDICTION;
}
