/**
 * Reads what is counted and joined by off the bytes of a record, without making an object of it.
 *
 * 1. `scan` true: decode() accepts these bytes, and the fields are exactly what it would give; null counts as absent.
 * 2. `scan` false says nothing: the record is bad, or written in an unusual way; decode() decides.
 * 3. The whole record is checked either way, and nothing is allocated for it.
 */
import { DEFAULT_MAX_RECORD_BYTES, FEEDBACK_FIELDS, LAST_TIME_MS, PREDICTION_FIELDS } from './decode.ts';
import { Feedback } from './feedback.ts';
import { InputStats, Prediction } from './prediction.ts';
import { toDouble } from './scan/decimal.ts';
import { bitsOf, FIELDS, READ } from './scan/fields.ts';
import { isoTime } from './scan/iso_time.ts';
import { isSpace } from './scan/json_cursor.ts';
import { BAD_KEY, KeyFinder } from './scan/key_finder.ts';
import { ScannedFields, STAT_NAMES, statBits } from './scan/scanned_fields.ts';
import { Word } from './scan/word.ts';
import { FIRST_MILLISECONDS, parseTimestamp } from './timestamp.ts';

export const PREDICTION = 1;
export const FEEDBACK = 2;

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const LOWER_N = 0x6e;

const { TEXT, NUMBER, OBJECT, NUMBERS, STATS, FEEDBACK_TYPE, TIME } = READ;
const READINGS = Uint8Array.from(FIELDS, ({ reading }) => reading);
const LEAST = Float64Array.from(FIELDS, ({ least }) => least);
const MOST = Float64Array.from(FIELDS, ({ most }) => most);

const ONLY_FEEDBACK = bitsOf(FEEDBACK_FIELDS);
const ONLY_PREDICTION = bitsOf(PREDICTION_FIELDS);
const NEEDED_BY_FEEDBACK = bitsOf(Feedback.required);
const NEEDED_BY_PREDICTION = bitsOf(Prediction.required);

const NEEDED_STATS = statBits(InputStats.required);

const EXPLICIT = new Word('explicit"');
const IMPLICIT = new Word('implicit"');

export class RecordScanner extends ScannedFields {
  readonly #max_bytes: number;
  readonly #keys = new KeyFinder(FIELDS.map(({ name }) => name));
  readonly #stat_keys = new KeyFinder(STAT_NAMES);
  /** One bit per field: it was there, if only as null. */
  #seen = 0;

  constructor(max_bytes = DEFAULT_MAX_RECORD_BYTES) {
    super();
    this.#max_bytes = max_bytes;
  }

  /** Scans the record from `start` to `end`; the fields are good until the next. */
  scan(bytes: Buffer, start: number, end: number): boolean {
    let last = end - 1;
    while (last > start && isSpace(bytes[last]!)) last--;
    if (end - start > this.#max_bytes || bytes[last] !== CLOSE_BRACE) return false;
    this.begin(bytes, start, last + 1);
    this.#seen = 0;
    this.said = 0;
    this.said_stats = 0;
    return this.#scanMembers() && this.at === this.end && this.#isComplete();
  }

  /**
   * Scans an object of some fields of a record, as it stands within other JSON; the cursor stops behind it. The last of the
   * bytes before `end` is a closing brace.
   */
  scanPart(bytes: Buffer, view: DataView, start: number, end: number): boolean {
    this.begin(bytes, start, end, view);
    this.#seen = 0;
    this.said = 0;
    this.said_stats = 0;
    return this.#scanMembers();
  }

  /** The record's object; not the empty one, which is none. */
  #scanMembers(): boolean {
    if (this.peek() !== OPEN_BRACE) return false;
    const keys = this.#keys;
    keys.begin();
    for (;;) {
      this.at++;
      const field = keys.find(this);
      if (field === BAD_KEY) return false;
      if (!(field === keys.unknown ? this.skipValue(1) : this.#scanField(field))) return false;
      const byte = this.peek();
      if (byte !== COMMA) {
        this.at++;
        return byte === CLOSE_BRACE;
      }
    }
  }

  #scanField(field: number): boolean {
    const bit = 1 << field;
    if ((this.#seen & bit) !== 0) return false;
    this.#seen |= bit;
    const byte = this.peek();
    if (byte === LOWER_N) return this.skipNull();
    this.said |= bit;
    this.starts[field] = this.at;
    if (!this.#scanFieldValue(field, byte)) return false;
    if (READINGS[field] !== TEXT) this.ends[field] = this.at;
    return true;
  }

  #scanFieldValue(field: number, byte: number): boolean {
    switch (READINGS[field]) {
      case TEXT:
        return byte === QUOTE && this.#scanText(field);
      case NUMBER:
        return this.#scanNumber(field);
      case TIME:
        return byte === QUOTE ? this.#scanTimeText() : this.#scanTimeNumber();
      case FEEDBACK_TYPE:
        this.at++;
        this.is_explicit = this.skipWord(EXPLICIT);
        return byte === QUOTE && (this.is_explicit || this.skipWord(IMPLICIT));
      case STATS:
        return byte === OPEN_BRACE && this.#scanStats();
      case NUMBERS:
        return byte === OPEN_BRACKET && this.#scanNumbers();
      case OBJECT:
        return byte === OPEN_BRACE && this.skipObject(1);
      default:
        return this.skipValue(1);
    }
  }

  /** Lengths are in characters; no text has more of them than bytes. */
  #scanText(field: number): boolean {
    this.at++;
    if (!this.skipText()) return false;
    const text_end = this.at - 1;
    const size_bytes = text_end - this.text_start;
    this.starts[field] = this.text_start;
    this.ends[field] = text_end;
    const is_unlimited = MOST[field] === Number.POSITIVE_INFINITY;
    return is_unlimited || (size_bytes >= LEAST[field]! && size_bytes <= MOST[field]! && !this.is_escaped);
  }

  /** NaN: there is no number. */
  #number(): number {
    const { bytes, at: start } = this;
    if (!this.skipNumber()) return Number.NaN;
    const is_negative = bytes[start] === MINUS;
    const from = is_negative ? start + 1 : start;
    const value = toDouble(bytes, from, this.at, this.mantissa, this.exponent);
    return is_negative ? -value : value;
  }

  #scanNumber(field: number): boolean {
    const value = this.#number();
    this.numbers[field] = value;
    return value >= LEAST[field]! && value <= MOST[field]!;
  }

  #scanTimeNumber(): boolean {
    const time_ms = parseTimestamp(this.#number()) ?? Number.NaN;
    this.time_ms = time_ms;
    return time_ms <= LAST_TIME_MS;
  }

  #scanTimeText(): boolean {
    this.at++;
    if (!this.skipText()) return false;
    const time_ms = isoTime(this.bytes, this.text_start, this.at - 1);
    this.time_ms = time_ms;
    return time_ms >= FIRST_MILLISECONDS && time_ms <= LAST_TIME_MS;
  }

  /** As `input_shape`: null where a dimension is open. */
  #scanNumbers(): boolean {
    this.at++;
    if (this.peek() === CLOSE_BRACKET) {
      this.at++;
      return true;
    }
    for (;;) {
      if (!(this.peek() === LOWER_N ? this.skipNull() : this.skipNumber())) return false;
      const byte = this.peek();
      this.at++;
      if (byte !== COMMA) return byte === CLOSE_BRACKET;
    }
  }

  /** Not the empty object: some are needed. Others than those known are unusual: events would carry them along. */
  #scanStats(): boolean {
    const keys = this.#stat_keys;
    keys.begin();
    for (;;) {
      this.at++;
      const stat = keys.find(this);
      if (stat === BAD_KEY || stat === keys.unknown) return false;
      if (!this.#scanStat(stat)) return false;
      const byte = this.peek();
      if (byte === COMMA) continue;
      this.at++;
      return byte === CLOSE_BRACE && (this.said_stats & NEEDED_STATS) === NEEDED_STATS;
    }
  }

  #scanStat(stat: number): boolean {
    const bit = 1 << stat;
    if ((this.said_stats & bit) !== 0) return false;
    this.said_stats |= bit;
    this.peek();
    const value = this.#number();
    this.stats[stat] = value;
    return !Number.isNaN(value);
  }

  /** Tells its kind, and whether all is there that it needs. */
  #isComplete(): boolean {
    const said = this.said;
    const is_feedback = (said & ONLY_FEEDBACK) !== 0;
    const is_prediction = (said & ONLY_PREDICTION) !== 0;
    if (is_feedback && is_prediction) return false;
    this.kind = is_feedback ? FEEDBACK : PREDICTION;
    const needed = is_feedback ? NEEDED_BY_FEEDBACK : NEEDED_BY_PREDICTION;
    return (said & needed) === needed;
  }
}
