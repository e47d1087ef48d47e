/**
 * Joins predictions and feedback by prediction id, whichever comes first: they belong together where their event
 * times are at most `wait` apart. An entry is kept for `wait` and the lateness, so that within the lateness the order
 * of arrival does not matter (Kafka Streams: time difference and grace of a stream-stream join).
 */
import { isDeepStrictEqual } from 'node:util';
import type { Decoded } from '../messages/decode.ts';
import { parseDuration } from '../messages/duration.ts';
import type { Outcome, Verdict } from '../messages/outcome.ts';
import type { Context, EntryBytes, Expiring, SourceRecord } from './actor.ts';
import { positionOf } from './admit.ts';
import type { CaptureConfig } from './capture_config.ts';
import { EntryReader, isPrediction } from './join_entry.ts';
import { feedbackEvent, predictedBy, predictionEvent, underPrediction } from './join_events.ts';
import {
  dequeue,
  enqueue,
  hasSeen,
  type KnownPrediction,
  predictionKey,
  see,
  type WaitingFeedback,
  waitedFor,
} from './join_state.ts';
import { replaces, type Said, saidIn, verdictOf } from './scoring.ts';

type DecodedPrediction = Extract<Decoded, { kind: 'prediction' }>;
type DecodedFeedback = Extract<Decoded, { kind: 'feedback' }>;

export class Join {
  readonly #config: CaptureConfig;
  readonly #wait_ms: number;
  /** How long an entry is kept, from its own time on. */
  readonly #keep_ms: number;
  /** How long a repetition may come without being late, from the event's time on. */
  readonly #repeat_ms: number;
  readonly #entry_reader = new EntryReader();

  constructor(config: CaptureConfig, wait: string) {
    this.#config = config;
    this.#wait_ms = parseDuration(wait);
    const lateness_ms = parseDuration(config.lateness);
    this.#keep_ms = this.#wait_ms + lateness_ms;
    this.#repeat_ms = lateness_ms + 1;
  }

  takePrediction(record: SourceRecord, decoded: DecodedPrediction, context: Context): void {
    const { prediction_id } = decoded.value;
    if (prediction_id === undefined) {
      this.#takeUnjoinable(record, decoded, context);
      return;
    }
    const key = predictionKey(prediction_id);
    if (context.expiring.get(key) !== undefined) context.count(record.source, 'duplicate', 1);
    else context.expiring.set(key, this.#takeNew(prediction_id, record, decoded, context));
  }

  #takeNew(
    prediction_id: string,
    record: SourceRecord,
    decoded: DecodedPrediction,
    context: Context,
  ): KnownPrediction {
    const known = this.#know(record.source, decoded);
    const early = dequeue(prediction_id, context.expiring, ({ event }) =>
      this.#belongs(event.time_ms, known),
    );
    if (early.length > 0) known.has_feedback = true;
    const event = predictionEvent(decoded.value, decoded.time_ms);
    context.emit('events', prediction_id, { ...event, is_joinable: true });
    for (const feedback of early) moveUnder(known, prediction_id, feedback, context);
    if (known.prediction) {
      this.#hear(
        known,
        early.map(({ said }) => said!),
      );
      context.emit('outcomes', prediction_id, outcomeOf(prediction_id, known, null));
    }
    context.count(record.source, known.has_feedback ? 'joined' : 'pending', 1);
    return known;
  }

  takeFeedback(record: SourceRecord, { value: feedback, time_ms }: DecodedFeedback, context: Context): void {
    const { prediction_id, event_id } = feedback;
    const key = predictionKey(prediction_id);
    const known = context.expiring.get<KnownPrediction>(key);
    if (event_id !== undefined && hasSeen(prediction_id, event_id, known, context.expiring)) {
      context.count(record.source, 'duplicate', 1);
      return;
    }
    const event = feedbackEvent(feedback, time_ms);
    const said = this.#config.outcomes ? { said: saidIn(feedback, time_ms) } : {};
    const joined = known && this.#belongs(time_ms, known) ? known : undefined;
    if (joined) {
      context.emit('events', prediction_id, underPrediction(event, joined.predicted));
      context.count(record.source, 'joined', 1);
      if (this.#joinLate(prediction_id, joined, said.said, event_id, time_ms, context))
        context.expiring.set(key, joined);
      return;
    }
    context.emit('events', prediction_id, event);
    context.count(record.source, 'pending', 1);
    const expires_ms = time_ms + this.#keep_ms;
    enqueue(prediction_id, { expires_ms, source: record.source, event, ...said }, context.expiring);
    if (event_id !== undefined)
      see(prediction_id, event_id, time_ms + this.#repeat_ms, undefined, context.expiring);
  }

  expire(key: string, value: Expiring, context: Context): void {
    const source = waitedFor(key, value);
    if (source === undefined) return;
    context.count(source, 'pending', -1);
    context.count(source, 'expired', 1);
  }

  /** As `expire`, of the entry in hand, where it can be read as it stands. */
  expireBytes(entries: EntryBytes, context: Context): boolean {
    const reader = this.#entry_reader;
    if (reader.isJoined(entries)) return true;
    if (!isPrediction(entries) || !reader.read(entries)) return false;
    if (reader.has_feedback) return true;
    context.count(reader.source, 'pending', -1);
    context.count(reader.source, 'expired', 1);
    return true;
  }

  /** Without an id nothing can be joined; repetitions are found where the record brings an `event_id`. */
  #takeUnjoinable(record: SourceRecord, decoded: DecodedPrediction, context: Context): void {
    const { event_id } = decoded.value;
    if (event_id !== undefined && hasSeen('', event_id, undefined, context.expiring)) {
      context.count(record.source, 'duplicate', 1);
      return;
    }
    context.count(record.source, 'unjoinable', 1);
    context.emit('events', event_id ?? positionOf(record), predictionEvent(decoded.value, decoded.time_ms));
    if (event_id !== undefined)
      see('', event_id, decoded.time_ms + this.#repeat_ms, undefined, context.expiring);
  }

  #know(source: string, decoded: DecodedPrediction): KnownPrediction {
    return {
      expires_ms: decoded.time_ms + this.#keep_ms,
      source,
      time_ms: decoded.time_ms,
      predicted: predictedBy(decoded.value),
      ...(this.#config.outcomes ? { prediction: decoded.value } : {}),
    };
  }

  #belongs(feedback_time_ms: number, known: KnownPrediction): boolean {
    return Math.abs(feedback_time_ms - known.time_ms) <= this.#wait_ms;
  }

  /** Feedback for a prediction that is known; true where that changes what is known. */
  #joinLate(
    prediction_id: string,
    known: KnownPrediction,
    said: Said | undefined,
    event_id: string | undefined,
    time_ms: number,
    context: Context,
  ): boolean {
    const previous = known.verdict ?? null;
    const is_first = !known.has_feedback;
    let changes = known.prediction && said ? this.#hear(known, [said]) : false;
    if (changes)
      context.emit('outcomes', prediction_id, outcomeOf(prediction_id, known, { verdict: previous }));
    if (is_first) {
      context.count(known.source, 'pending', -1);
      context.count(known.source, 'joined', 1);
      known.has_feedback = true;
      changes = true;
    }
    if (event_id !== undefined)
      changes = see(prediction_id, event_id, time_ms + this.#repeat_ms, known, context.expiring) || changes;
    return changes;
  }

  /** Lets the latest word decide; true where the verdict changed. */
  #hear(known: KnownPrediction, words: Said[]): boolean {
    const before = known.verdict;
    for (const said of words) {
      const verdict = verdictOf(said, known.prediction?.output, this.#config.scoring);
      if (verdict && replaces(verdict, known.verdict ?? null)) known.verdict = verdict;
    }
    return known.verdict !== before;
  }
}

function moveUnder(
  known: KnownPrediction,
  prediction_id: string,
  early: WaitingFeedback,
  context: Context,
): void {
  const moved = underPrediction(early.event, known.predicted);
  if (!isDeepStrictEqual(moved, early.event)) {
    context.emit('events', prediction_id, { ...early.event, op: 'retract' });
    context.emit('events', prediction_id, moved);
  }
  context.count(early.source, 'pending', -1);
  context.count(early.source, 'joined', 1);
}

function outcomeOf(
  prediction_id: string,
  { time_ms, prediction, verdict = undefined }: KnownPrediction,
  previous: { verdict: Verdict | null } | null,
): Outcome {
  return {
    prediction_id,
    prediction_time_ms: time_ms,
    time_ms: Math.max(time_ms, verdict?.time_ms ?? time_ms),
    prediction: prediction!,
    verdict: verdict ?? null,
    previous,
  };
}
