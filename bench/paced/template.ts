/** A batch that is encoded once and sent again and again, each time with other times in its records. */
import { encodeBatch, patchCreateTime } from '../../wire/record_batch.ts';
import type { MadeEvent } from '../windows/events.ts';

const FIELD = '"timestamp":';
/** Of the 13 digits of a time in milliseconds; until 2286. */
const DIGITS = 13;

export class BatchTemplate {
  readonly #batch: Buffer;
  /** Where the digits of each record's time begin, and how much earlier than the batch it is. */
  readonly #times: { at: number; earlier_ms: number }[];

  constructor(events: readonly MadeEvent[], earlier_ms: (index: number) => number) {
    this.#batch = encodeBatch(
      events.map(({ deployment_id, json }) => ({
        key: Buffer.from(deployment_id),
        value: Buffer.from(json),
        timestamp_ms: 0,
      })),
    );
    this.#times = placesOf(this.#batch).map((at, index) => ({ at, earlier_ms: earlier_ms(index) }));
  }

  /** A copy whose latest record has this time. */
  at(time_ms: number): Buffer {
    const batch = Buffer.from(this.#batch);
    for (const { at, earlier_ms } of this.#times) writeDigits(batch, at, time_ms - earlier_ms);
    patchCreateTime(batch, time_ms);
    return batch;
  }
}

function placesOf(batch: Buffer): number[] {
  const places: number[] = [];
  for (let at = batch.indexOf(FIELD); at >= 0; at = batch.indexOf(FIELD, at + 1))
    places.push(at + FIELD.length);
  return places;
}

function writeDigits(batch: Buffer, at: number, value: number): void {
  let [high, low] = [Math.floor(value / 1e7), value % 1e7];
  for (let index = at + DIGITS - 1; index >= at + DIGITS - 7; index--) {
    batch[index] = 48 + (low % 10);
    low = (low / 10) | 0;
  }
  for (let index = at + DIGITS - 8; index >= at; index--) {
    batch[index] = 48 + (high % 10);
    high = (high / 10) | 0;
  }
}
