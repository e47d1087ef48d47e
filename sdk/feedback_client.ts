/** Publishes what people made of a prediction: what they said (explicit) and what they did (implicit). */
import { randomUUID } from 'node:crypto';
import { decode } from '../messages/decode.ts';
import { ErrataError } from '../messages/errata_error.ts';
import type { Feedback } from '../messages/feedback.ts';
import type { InputStats } from '../messages/prediction.ts';
import type { Timestamp } from '../messages/timestamp.ts';
import { DeliveryCounter, type DeliveryStats } from './delivery.ts';
import { toPlainJson } from './plain_json.ts';
import type { Publisher } from './publisher.ts';

export interface FeedbackClientOptions {
  publisher: Publisher;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

interface AnyFeedback {
  /** As `capture` returned it. */
  prediction_id: string;
  session_id: string;
  user_id?: string;
  /** The default is now. */
  timestamp?: Timestamp;
  /** Made where none is given. The same id again is the same feedback, sent twice. */
  event_id?: string;
  /** These three count until the prediction is there. */
  deployment_id?: string;
  model_version?: string;
  input_stats?: InputStats;
}

/** At least one of rating, comment and label. */
export interface ExplicitFeedback extends AnyFeedback {
  /** 1 (bad) to 5 (good). */
  rating?: number;
  comment?: string;
  /** The right answer, if the person gave it. */
  label?: unknown;
}

export interface ImplicitFeedback extends AnyFeedback {
  /** E.g. `click`, `search`, `logout`. */
  user_action: string;
  /** Seconds from the answer to the action. */
  time_to_action: number;
}

export class FeedbackClient {
  readonly #publisher: Publisher;
  readonly #now: () => number;
  readonly #counter = new DeliveryCounter();
  #is_closed = false;

  constructor({ publisher, now = Date.now }: FeedbackClientOptions) {
    this.#publisher = publisher;
    this.#now = now;
  }

  /** The event id. Throws ErrataError E_FEEDBACK for feedback that is not valid; never waits. */
  captureExplicitFeedback(said: ExplicitFeedback): string {
    const { rating, comment, label } = said;
    if (rating === undefined && comment === undefined && label === undefined) {
      throw notValid('explicit feedback needs a rating, a comment or a label');
    }
    if (rating !== undefined) requireNumber('rating', rating);
    return this.#publish(said, { feedback_type: 'explicit', rating, comment, label });
  }

  /** The event id. Throws ErrataError E_FEEDBACK for feedback that is not valid; never waits. */
  captureImplicitFeedback(done: ImplicitFeedback): string {
    const { user_action, time_to_action } = done;
    requireText('user_action', user_action);
    requireNumber('time_to_action', time_to_action);
    return this.#publish(done, { feedback_type: 'implicit', user_action, time_to_action });
  }

  /** Resolves when all feedback captured before is acknowledged or has failed. */
  async flush(): Promise<DeliveryStats> {
    await this.#publisher.flush('feedback');
    return this.stats();
  }

  stats(): DeliveryStats {
    return this.#counter.stats;
  }

  /** Flushes; later feedback is dropped. The publisher stays open. */
  close(): Promise<DeliveryStats> {
    this.#is_closed = true;
    return this.flush();
  }

  #publish(given: AnyFeedback, content: Content): string {
    requireText('prediction_id', given.prediction_id);
    requireText('session_id', given.session_id);
    const feedback: Feedback = {
      prediction_id: given.prediction_id,
      session_id: given.session_id,
      timestamp: given.timestamp ?? this.#now(),
      event_id: given.event_id ?? randomUUID(),
      user_id: given.user_id,
      deployment_id: given.deployment_id,
      model_version: given.model_version,
      input_stats: given.input_stats,
      ...content,
    };
    const message = { key: feedback.prediction_id.toWellFormed(), value: encode(feedback) };
    const onSettled = this.#counter.expectOne();
    if (this.#is_closed) onSettled({ outcome: 'dropped', reason: 'the feedback client is closed' });
    else {
      const draft = { size_bytes: message.value.length, write: () => message };
      this.#publisher.publish('feedback', draft, onSettled);
    }
    return feedback.event_id!;
  }
}

type Content = Pick<
  Feedback,
  'feedback_type' | 'rating' | 'comment' | 'label' | 'user_action' | 'time_to_action'
>;

/** No feedback has more values, so that none comes near the limit of a record. */
const MAX_VALUES = 10_000;
const MAX_BYTES = 256 * 1024;

function encode(feedback: Feedback): Buffer {
  const value = Buffer.from(JSON.stringify(toPlainJson(feedback, 0, MAX_VALUES)));
  const decoded = decode(value, MAX_BYTES);
  if (decoded.kind === 'feedback') return value;
  throw notValid(decoded.kind === 'bad' ? decoded.message : 'it has the fields of a prediction');
}

function requireText(field: string, value: unknown): void {
  if (typeof value !== 'string' || value === '') {
    const found = value === '' ? 'an empty one' : typeof value;
    throw notValid(`${field} must be a text, not ${found}`);
  }
}

function requireNumber(field: string, value: unknown): void {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw notValid(`${field} must be a number, not ${String(value)}`);
  }
}

function notValid(why: string): ErrataError {
  return new ErrataError('E_FEEDBACK', `the feedback is not valid: ${why}`);
}
