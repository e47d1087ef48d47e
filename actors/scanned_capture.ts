/** Capture over records that were scanned and never became objects. */
import { PREDICTION } from '../messages/record_scanner.ts';
import type { ScannedJoinable } from '../messages/scanned_record.ts';
import type { Context, ScannedInput } from './actor.ts';

/** Who counts events, and whether those of predictions too. */
export interface ScannedCounter {
  scanned: ScannedInput;
  over: 'feedback' | 'all';
}

export interface ScannedCapture {
  /**
   * Takes the record, or leaves no trace of it and returns false. `watermark_ms` is what the actors were told last;
   * `reached_ms`, which is no less, may have been reached since.
   */
  take(record: ScannedJoinable, watermark_ms: number, reached_ms: number): boolean;
  /** Counts what was taken since the last time. */
  settle(count: Context['count']): void;
}

/** With `join: none`. */
export class ScannedAlone implements ScannedCapture {
  readonly #source: string;
  readonly #counters: readonly ScannedCounter[];
  readonly #isAtHome: (deployment_id: string) => boolean;
  #taken = 0;

  constructor(
    source: string,
    counters: readonly ScannedCounter[],
    isAtHome: (deployment_id: string) => boolean,
  ) {
    this.#source = source;
    this.#counters = counters;
    this.#isAtHome = isAtHome;
  }

  take(record: ScannedJoinable, watermark_ms: number): boolean {
    for (const { scanned } of this.#counters) if (!scanned.takes(record, this.#isAtHome)) return false;
    for (const { scanned, over } of this.#counters)
      if (over === 'all' || record.kind !== PREDICTION) scanned.add(record, watermark_ms);
    this.#taken++;
    return true;
  }

  settle(count: Context['count']): void {
    if (this.#taken > 0) count(this.#source, 'unjoinable', this.#taken);
    this.#taken = 0;
  }
}
