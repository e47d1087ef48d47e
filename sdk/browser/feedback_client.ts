/**
 * The feedback client for web pages: some kilobytes, no dependencies. It measures the time to an action from when the
 * prediction was shown, and publishes to errata's HTTP ingest.
 */
import { ErrataError } from '../../messages/errata_error.ts';
import type { Feedback } from '../../messages/feedback.ts';
import type { ExplicitFeedback, ImplicitFeedback } from '../feedback_client.ts';
import { onLeave, tabSession, uuid } from './page.ts';
import { MAX_BATCH_BYTES, PageOutbox, type PageOutboxStats } from './page_outbox.ts';

export interface BrowserFeedbackOptions {
  /** Of the ingest, e.g. `https://errata.example.com`. */
  url: string;
  /** By default one is made per tab, and kept while the tab is open. */
  session_id?: string;
  user_id?: string;
  /** Everybody who loads the page can read it. */
  token?: string;
  /** How long feedback waits for more. Default: 500. */
  linger_ms?: number;
  /** Messages that may wait; what comes then is dropped. Default: 200. */
  max_buffered?: number;
}

type InPage<Given extends { session_id: string }> = Omit<Given, 'session_id'> & { session_id?: string };
export type BrowserExplicitFeedback = InPage<ExplicitFeedback>;
/** `time_to_action` is by default the time since `predictionShown`. */
export type BrowserImplicitFeedback = Omit<InPage<ImplicitFeedback>, 'time_to_action'> & {
  time_to_action?: number;
};

const MAX_SHOWN = 1_000;

export class FeedbackClient {
  readonly #outbox: PageOutbox;
  readonly #identity: { session_id: string; user_id: string | undefined };
  /** By the monotonic clock, oldest first. */
  readonly #shown_ms = new Map<string, number>();

  constructor({
    url,
    token,
    session_id,
    user_id,
    linger_ms = 500,
    max_buffered = 200,
  }: BrowserFeedbackOptions) {
    this.#outbox = new PageOutbox({
      url: `${url.replace(/\/+$/, '')}/v1/feedback`,
      token,
      linger_ms,
      max_buffered,
    });
    this.#identity = { session_id: session_id ?? tabSession(), user_id };
    onLeave(() => this.#outbox.leave());
  }

  /** From now on somebody sees the prediction. */
  predictionShown(prediction_id: string): void {
    this.#shown_ms.delete(prediction_id);
    this.#shown_ms.set(prediction_id, performance.now());
    const [oldest] = this.#shown_ms.keys();
    if (this.#shown_ms.size > MAX_SHOWN) this.#shown_ms.delete(oldest!);
  }

  /** The event id. Throws ErrataError E_FEEDBACK for feedback that is not valid; never waits. */
  captureExplicitFeedback(said: BrowserExplicitFeedback): string {
    const { rating, comment, label } = said;
    if (rating === undefined && comment === undefined && label === undefined) {
      throw notValid('explicit feedback needs a rating, a comment or a label');
    }
    if (rating !== undefined && !isWithin(rating, 1, 5))
      throw notValid('rating must be a number from 1 to 5');
    return this.#publish({ ...said, feedback_type: 'explicit' });
  }

  /** The event id. Throws ErrataError E_FEEDBACK for feedback that is not valid; never waits. */
  captureImplicitFeedback(done: BrowserImplicitFeedback): string {
    if (!done.user_action) throw notValid('user_action is missing');
    const time_to_action = done.time_to_action ?? this.#sinceShown(done.prediction_id);
    if (!isWithin(time_to_action, 0, Number.MAX_VALUE)) {
      throw notValid('time_to_action must be given in seconds, or predictionShown be called before');
    }
    return this.#publish({ ...done, time_to_action, feedback_type: 'implicit' });
  }

  /** Sends what is there. Resolves when it is answered, or waits to be sent again. */
  async flush(): Promise<PageOutboxStats> {
    await this.#outbox.flush();
    return this.stats();
  }

  stats(): PageOutboxStats {
    return { ...this.#outbox.stats };
  }

  /** Seconds, to the millisecond. */
  #sinceShown(prediction_id: string): number | undefined {
    const shown_ms = this.#shown_ms.get(prediction_id);
    return shown_ms === undefined ? undefined : Math.round(performance.now() - shown_ms) / 1_000;
  }

  #publish(feedback: PageFeedback): string {
    if (!feedback.prediction_id) throw notValid('prediction_id is missing');
    const event_id = feedback.event_id ?? uuid();
    const json = JSON.stringify({
      ...feedback,
      session_id: feedback.session_id ?? this.#identity.session_id,
      user_id: feedback.user_id ?? this.#identity.user_id,
      timestamp: feedback.timestamp ?? Date.now(),
      event_id,
    });
    const size_bytes = new TextEncoder().encode(json).length;
    if (size_bytes > MAX_BATCH_BYTES - 2) throw notValid(`it has ${size_bytes} bytes`);
    this.#outbox.add({ json, size_bytes });
    return event_id;
  }
}

type PageFeedback = (BrowserExplicitFeedback | BrowserImplicitFeedback) & Pick<Feedback, 'feedback_type'>;

function isWithin(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && value >= least && value <= most;
}

function notValid(why: string): ErrataError {
  return new ErrataError('E_FEEDBACK', `the feedback is not valid: ${why}`);
}
