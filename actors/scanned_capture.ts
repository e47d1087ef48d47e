/** Capture over records that were scanned and never became objects. */
import { PREDICTION } from '../messages/record_scanner.ts';
import type { ScannedJoinable } from '../messages/scanned_record.ts';
import type { Context, RecordRun, ScannedInput } from './actor.ts';

/** Who counts events, and whether those of predictions too. */
export interface ScannedCounter {
  scanned: ScannedInput;
  /** It groups by deployment, and so asks of each whether it is at home. */
  by_deployment: boolean;
  over: 'feedback' | 'all';
}

export interface ScannedCapture {
  /** Takes the record, or leaves no trace of it and returns false. */
  take(record: ScannedJoinable, watermark_ms: number): boolean;
  /** False: it takes records one by one only, or somebody has to look at each before. */
  readonly takes_runs: boolean;
  /** Takes records where they stand in their batch, as long as they are as usual; says how many. */
  takeRecords(run: RecordRun, most: number): number;
  /** Counts what was taken since the last time. */
  settle(count: Context['count']): void;
}

/** With `join: none`. */
export class ScannedAlone implements ScannedCapture {
  readonly #source: string;
  readonly #counters: readonly ScannedCounter[];
  readonly #isAtHome: (deployment_id: string) => boolean;
  readonly takes_runs: boolean;
  #taken = 0;

  constructor(
    source: string,
    counters: readonly ScannedCounter[],
    isAtHome: (deployment_id: string) => boolean,
    takes_runs: boolean,
  ) {
    this.#source = source;
    this.#counters = counters;
    this.#isAtHome = isAtHome;
    // A second one would have to know which records the first one took.
    this.takes_runs = takes_runs && counters.length === 1;
  }

  takeRecords(run: RecordRun, most: number): number {
    const taken = this.#counters[0]!.scanned.takeRecords(run, most, this.#isAtHome);
    this.#taken += taken;
    return taken;
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
