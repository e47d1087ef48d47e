/**
 * Takes records in: validates them, joins predictions with what people made of them, and accounts for each record.
 *
 * 1. Each record taken in has exactly one current disposition in the ledger; only `pending` ever changes.
 * 2. Which of two joined records came first does not change what is said in the end: the join is by event time.
 * 3. Nothing is searched: every entry of the state is found by its key and goes when it expires.
 */

import type { Decoded } from '../messages/decode.ts';
import { parseDuration } from '../messages/duration.ts';
import {
  type Actor,
  type BadRecord,
  type Context,
  defineActor,
  type EntryBytes,
  type Expiring,
  type SourceRecord,
} from './actor.ts';
import { admit, positionOf, type Read, readerOf } from './admit.ts';
import { CaptureConfig } from './capture_config.ts';
import { Join } from './join.ts';
import { feedbackEvent, predictionEvent } from './join_events.ts';

export const capture = defineActor({
  kind: 'capture',
  summary: 'Validates predictions and feedback, joins them by prediction id and scores them.',
  example: 'capture: { from: [predictions, feedback], join: { wait: 24h } }',
  partitioning: 'prediction_id',
  config: CaptureConfig,
  inputs: { records: 'source_record' },
  outputs: {
    events: { message: 'event', summary: 'one per feedback message and one per prediction, for windows' },
    outcomes: { message: 'outcome', summary: 'what became of each prediction; only with `outcomes: true`' },
  },
  create: (config) => new Capture(config),
});

type GoodRecord = Exclude<Decoded, { kind: 'bad' }>;

class Capture implements Actor {
  readonly #read: Read;
  readonly #max_ahead_ms: number;
  readonly #lateness_ms: number;
  /** Null with `join: none`. */
  readonly #join: Join | null;

  constructor(config: CaptureConfig) {
    this.#read = readerOf(config.outcomes ? 'all' : 'counted', config.max_record_bytes);
    this.#max_ahead_ms = parseDuration(config.max_ahead);
    this.#lateness_ms = parseDuration(config.lateness);
    this.#join = config.join === 'none' ? null : new Join(config, config.join.wait);
  }

  onMessage(_input: string, message: unknown, context: Context): void {
    const record = message as SourceRecord;
    const decoded = admit(record, this.#read, this.#max_ahead_ms, context);
    if (decoded.kind === 'bad') reject(record, decoded, context);
    else if (!context.isAtHome(decoded.value)) reject(record, wrongPartition(record, decoded), context);
    else this.#take(record, decoded, context);
  }

  #take(record: SourceRecord, decoded: GoodRecord, context: Context): void {
    context.observe(decoded.time_ms);
    if (decoded.time_ms < context.watermark_ms - this.#lateness_ms) {
      context.count(record.source, 'late', 1);
      context.late(decoded.value.prediction_id ?? positionOf(record), record);
    } else if (!this.#join) takeAlone(record, decoded, context);
    else if (decoded.kind === 'prediction') this.#join.takePrediction(record, decoded, context);
    else this.#join.takeFeedback(record, decoded, context);
  }

  onExpiredBytes(entries: EntryBytes, context: Context): boolean {
    return this.#join?.expireBytes(entries, context) ?? false;
  }

  onExpired(key: string, value: Expiring, context: Context): void {
    this.#join?.expire(key, value, context);
  }
}

function reject(record: SourceRecord, { code, message }: BadRecord, context: Context): void {
  context.count(record.source, 'dead_lettered', 1);
  context.deadLetter(record, { code, message });
}

function takeAlone(record: SourceRecord, decoded: GoodRecord, context: Context): void {
  const event =
    decoded.kind === 'prediction'
      ? predictionEvent(decoded.value, decoded.time_ms)
      : feedbackEvent(decoded.value, decoded.time_ms);
  context.count(record.source, 'unjoinable', 1);
  context.emit('events', decoded.value.prediction_id ?? positionOf(record), event);
}

function wrongPartition({ source, partition }: SourceRecord, { value }: GoodRecord): BadRecord {
  const { prediction_id, deployment_id } = value;
  return {
    code: 'wrong_partition',
    message: `${JSON.stringify({ prediction_id, deployment_id })} does not belong in partition ${partition}: source ${source} is not keyed as declared`,
  };
}
