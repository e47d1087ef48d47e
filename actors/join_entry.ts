/**
 * The entry of a prediction in the join's state (join_state.ts) as bytes: written from a scanned record, and read for
 * scanned feedback, without making objects. Entries with more in them than is written here are left to who makes objects.
 */
import { RecordScanner } from '../messages/record_scanner.ts';
import { TextCache } from '../messages/scan/text_cache.ts';
import type { ScannedJoinable } from '../messages/scanned_record.ts';
import type { EntryBytes } from './actor.ts';
import { ByteWriter } from './byte_writer.ts';
import { PREDICTION_PREFIX } from './join_state.ts';
import { Word } from './word.ts';

/** What an entry's JSON is made of, next to what differs. */
export const ENTRY_WORDS = {
  EXPIRES: '{"expires_ms":',
  PREDICTED: ',"predicted":',
  OPENS_DEPLOYMENT: '{"deployment_id":"',
  OPENS_MODEL: '","model_version":"',
  OPENS_STATS: ',"input_stats":',
  OPENS_LATENCY: ',"latency_ms":',
  OPENS_LOAD: ',"server_load":',
  HAS_FEEDBACK: ',"has_feedback":true',
  OPENS_SEEN: ',"seen":["',
  NEXT_SEEN: ',"',
  CLOSES_SEEN: '"]',
} as const;
const { EXPIRES, PREDICTED, HAS_FEEDBACK, OPENS_SEEN: SEEN } = ENTRY_WORDS;
const SOURCE = ',"source":"';
const TIME = '","time_ms":';

/** What stands between the two times of an entry. */
export function sourceWord(source: string): string {
  return `${SOURCE}${JSON.stringify(source).slice(1, -1)}${TIME}`;
}

export function sourceOfWord(word: string): string {
  return JSON.parse(word.slice(SOURCE.length - 1, 1 - TIME.length)) as string;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const CLOSE_BRACKET = 0x5d;
const CLOSE_BRACE = 0x7d;
const ZERO = 0x30;
/** No safe integer has more. */
const DIGITS_MAX = 16;
const FIRST_OF_PREDICTION = PREDICTION_PREFIX.charCodeAt(0);

/** Of every time from 2001 to 2286. */
const TIME_DIGITS = 13;
const SOURCE_AT = EXPIRES.length + TIME_DIGITS + SOURCE.length;

/** Writes entries as JSON. */
export class EntryWriter extends ByteWriter {
  /**
   * How the entry is to be marked in memory, so that it is read without searching: twice the place of what was predicted,
   * and 1 more once there is feedback; 0: it is not.
   */
  mark = 0;
  readonly #expires = Buffer.from(EXPIRES);
  readonly #source_and_time: Buffer;
  readonly #deployment_id = Buffer.from(`${PREDICTED}${ENTRY_WORDS.OPENS_DEPLOYMENT}`);
  readonly #model_version = Buffer.from(ENTRY_WORDS.OPENS_MODEL);
  readonly #quote = Buffer.from('"');
  readonly #input_stats = Buffer.from(ENTRY_WORDS.OPENS_STATS);
  readonly #latency_ms = Buffer.from(ENTRY_WORDS.OPENS_LATENCY);
  readonly #server_load = Buffer.from(ENTRY_WORDS.OPENS_LOAD);
  readonly #end = Buffer.from('}}');
  readonly #has_feedback = Buffer.from(HAS_FEEDBACK);
  readonly #seen = Buffer.from(SEEN);
  readonly #next_seen = Buffer.from(ENTRY_WORDS.NEXT_SEEN);
  readonly #end_of_seen = Buffer.from(ENTRY_WORDS.CLOSES_SEEN);

  /** `source`: of the predictions. */
  constructor(source: string) {
    super();
    this.#source_and_time = Buffer.from(sourceWord(source));
  }

  /** As `KnownPrediction`. */
  prediction(record: ScannedJoinable, expires_ms: number): void {
    const { bytes } = record;
    this.clear();
    this.put(this.#expires);
    this.#putNumber(expires_ms);
    this.put(this.#source_and_time);
    this.#putNumber(record.time_ms);
    const has_usual_times = this.end === this.#source_and_time.length + EXPIRES.length + 2 * TIME_DIGITS;
    this.mark = has_usual_times ? 2 * (this.end + PREDICTED.length) : 0;
    this.put(this.#deployment_id);
    this.put(bytes, record.deployment_id_start, record.deployment_id_end);
    this.put(this.#model_version);
    this.put(bytes, record.model_version_start, record.model_version_end);
    this.put(this.#quote);
    this.#putMember(this.#input_stats, bytes, record.input_stats_start, record.input_stats_end);
    this.#putMember(this.#latency_ms, bytes, record.latency_ms_start, record.latency_ms_end);
    this.#putMember(this.#server_load, bytes, record.server_load_start, record.server_load_end);
    this.put(this.#end);
  }

  /** The entry in hand, as `known` has read it, with this feedback. */
  withFeedback(
    { bytes, value_start, value_end, mark }: EntryBytes,
    known: EntryReader,
    record: ScannedJoinable,
  ) {
    const has_event = record.event_id_start >= 0;
    const follows = has_event && known.seen > 0;
    this.clear();
    this.mark = mark === 0 ? 0 : mark | 1;
    this.put(bytes, value_start, value_end - (follows ? 2 : 1));
    if (!known.has_feedback) this.put(this.#has_feedback);
    if (has_event) {
      const before = follows ? this.#next_seen : this.#seen;
      this.put(before);
      this.put(record.bytes, record.event_id_start, record.event_id_end);
      this.put(this.#end_of_seen);
    }
    this.put(this.#end, 1);
  }

  #putMember(name: Buffer, bytes: Buffer, start: number, end: number): void {
    if (start < 0) return;
    this.put(name);
    this.put(bytes, start, end);
  }

  /** A whole number, not below 0, as all times are. */
  #putNumber(value: number): void {
    const start = this.reserve(DIGITS_MAX);
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
}

const EXPIRES_WORD = new Word(EXPIRES);
const SOURCE_WORD = new Word(SOURCE);
const TIME_WORD = new Word(TIME);
const PREDICTED_WORD = new Word(PREDICTED);
const HAS_FEEDBACK_WORD = new Word(HAS_FEEDBACK);
const SEEN_WORD = new Word(SEEN);

/** One for all of a thread: what it says is good until it is asked again. */
const predicted = new RecordScanner();

export class EntryReader {
  readonly predicted = predicted;
  source = '';
  time_ms = 0;
  has_feedback = false;
  /** How many events of feedback were seen; known after `hasSeen`. */
  seen = 0;
  readonly #sources = new TextCache();
  #view!: DataView;
  #at = 0;
  #end = 0;

  /** Reads the entry in hand, which is a prediction's; false where it is written in an unusual way. */
  read(entries: EntryBytes): boolean {
    const { bytes, view, value_start, value_end, mark } = entries;
    this.#view = view;
    this.#end = value_end;
    if (mark !== 0) {
      this.#readHead(entries);
      return this.#readPredicted(bytes, value_start + (mark >> 1));
    }
    this.#at = value_start;
    if (!this.#skip(EXPIRES_WORD) || Number.isNaN(this.#number(bytes))) return false;
    if (!this.#skip(SOURCE_WORD)) return false;
    const source_start = this.#at;
    while (this.#at < value_end && bytes[this.#at] !== QUOTE) this.#at++;
    this.source = this.#sources.text(bytes, source_start, this.#at);
    if (!this.#skip(TIME_WORD)) return false;
    this.time_ms = this.#number(bytes);
    if (Number.isNaN(this.time_ms) || !this.#skip(PREDICTED_WORD)) return false;
    if (!this.#readPredicted(bytes, this.#at)) return false;
    return this.has_feedback || this.#isAtEnd(bytes);
  }

  /** What was predicted, and whether there is feedback. */
  #readPredicted(bytes: Buffer, at: number): boolean {
    const behind = this.predicted.scanPart(bytes, at, this.#end);
    if (behind < 0) return false;
    this.#at = behind;
    this.has_feedback = this.#skip(HAS_FEEDBACK_WORD);
    return true;
  }

  #isAtEnd(bytes: Buffer): boolean {
    return this.#at === this.#end - 1 && bytes[this.#at] === CLOSE_BRACE;
  }

  /**
   * After `read`: whether the event of this feedback is among those seen, of which there are `seen`. Undefined where the rest of the
   * entry is written in an unusual way.
   */
  hasSeen(
    { bytes: entry }: EntryBytes,
    { bytes, event_id_start, event_id_end }: ScannedJoinable,
  ): boolean | undefined {
    this.seen = 0;
    let is_seen = false;
    if (this.#skip(SEEN_WORD)) {
      do {
        const start = this.#at;
        while (this.#at < this.#end && entry[this.#at] !== QUOTE && entry[this.#at] !== BACKSLASH) this.#at++;
        if (entry[this.#at] !== QUOTE) return undefined;
        const is_as_long = this.#at - start === event_id_end - event_id_start;
        is_seen ||= is_as_long && entry.compare(bytes, event_id_start, event_id_end, start, this.#at) === 0;
        this.seen++;
        this.#at += 2;
      } while (entry[this.#at - 1] === COMMA && entry[this.#at++] === QUOTE);
      if (entry[this.#at - 1] !== CLOSE_BRACKET) return undefined;
    }
    return this.#isAtEnd(entry) ? is_seen : undefined;
  }

  /** As `read`, but for `predicted`. */
  readState(entries: EntryBytes): boolean {
    if (entries.mark === 0) return this.read(entries);
    this.#readHead(entries);
    return true;
  }

  /** What stands before `predicted`, where the mark says of how many bytes it is. */
  #readHead({ bytes, value_start, mark }: EntryBytes): void {
    const predicted_at = value_start + (mark >> 1);
    const time_at = predicted_at - PREDICTED.length - TIME_DIGITS;
    this.source = this.#sources.text(bytes, value_start + SOURCE_AT, time_at - TIME.length);
    this.#at = time_at;
    this.time_ms = this.#number(bytes);
    this.has_feedback = (mark & 1) !== 0;
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
