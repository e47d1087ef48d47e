/**
 * Reads what is counted and joined by off the bytes of a record, without making an object of it.
 *
 * 1. `scan` true: decode() accepts these bytes, and the fields are exactly what it would give; null counts as absent.
 * 2. `scan` false says nothing: the record is bad, or written in an unusual way; decode() decides.
 * 3. The whole record is checked either way, and nothing is allocated for it.
 */
import { DEFAULT_MAX_RECORD_BYTES } from './decode.ts';
import { INPUT } from './scan/layout.ts';
import { ScannedFields } from './scan/scanned_fields.ts';

export { FEEDBACK, PREDICTION } from './scan/layout.ts';

/** Of what holds many records so much is taken into the scanner's memory at once. */
const WINDOW_BYTES = 64 * 1024;

export class RecordScanner extends ScannedFields {
  readonly #max_bytes: number;
  /** What of which bytes is in the scanner's memory. */
  #window: Buffer | null = null;
  #window_start = 0;
  #window_end = 0;

  constructor(max_bytes = DEFAULT_MAX_RECORD_BYTES) {
    super();
    this.#max_bytes = max_bytes;
  }

  /** Scans the record from `start` to `end`; the fields are good until the next. */
  scan(bytes: Buffer, start: number, end: number): boolean {
    this.forget();
    if (end - start > this.#max_bytes) return false;
    this.#load(bytes, start, end);
    return this.#scan(INPUT, INPUT + end - start);
  }

  /** As `scan`, for records of the same bytes in turn, which stay as they are until `forget`. */
  scanNext(bytes: Buffer, start: number, end: number): boolean {
    if (end - start > this.#max_bytes) return false;
    if (bytes !== this.#window || start < this.#window_start || end > this.#window_end)
      this.#moveWindow(bytes, start, Math.max(end, Math.min(start + WINDOW_BYTES, bytes.length)));
    const shift = INPUT - this.#window_start;
    return this.#scan(start + shift, end + shift);
  }

  forget(): void {
    this.#window = null;
  }

  /**
   * Scans an object of some fields of a record, as it stands within other JSON, of which the last of the bytes before `end` is a
   * closing brace. Tells where the object ends; -1: it is unusual.
   */
  scanPart(bytes: Buffer, start: number, end: number): number {
    this.forget();
    this.#load(bytes, start, end);
    const behind = this.instance.exports.behindRecord(INPUT, INPUT + end - start);
    if (behind === 0) return -1;
    this.lookAtFlags();
    return start + behind - INPUT;
  }

  #moveWindow(bytes: Buffer, start: number, end: number): void {
    this.#load(bytes, start, end);
    this.#window = bytes;
    this.#window_start = start;
    this.#window_end = end;
  }

  #load(bytes: Buffer, start: number, end: number): void {
    if (this.instance.reserve(INPUT + end - start)) this.look();
    bytes.copy(this.bytes, INPUT, start, end);
  }

  #scan(start: number, end: number): boolean {
    if (this.instance.exports.scan(start, end) === 0) return false;
    this.lookAtFlags();
    return true;
  }
}
