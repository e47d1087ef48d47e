/**
 * The application of the demo: sorts mails with the model it is told to serve and publishes what it does through the
 * SDK, as any application would. Knows nothing of labels.
 */

import type { Processor } from '../../engine/processor.ts';
import { ErrataError } from '../../messages/errata_error.ts';
import type { Feedback } from '../../messages/feedback.ts';
import { captureServing, FeedbackClient, type Publisher, type ServingCapture } from '../../sdk/index.ts';
import { kafkaPublisher } from '../../sdk/kafka_publisher.ts';
import type { Model } from '../../training/trainer.ts';
import { mailFeatures } from './features.ts';
import type { Mail } from './mails.ts';
import type { Mailbox, Received } from './replay.ts';
import type { ServedModel } from './served_model.ts';

export const DEPLOYMENT_ID = 'mail-triage';
export const TOPICS = { prediction: 'mail.predictions', feedback: 'mail.feedback' };

/** What the model sees of a mail. */
export function modelInput({ from, subject, body }: Mail): { from: string; subject: string; body: string } {
  return { from, subject, body };
}

export class MailApplication implements Mailbox {
  readonly #publisher: Publisher;
  readonly #capture: ServingCapture;
  readonly #feedback: FeedbackClient;
  readonly #served: ServedModel;
  readonly #first: Model;
  readonly #processor: Processor;

  /** `first` is the first model, which is only asked for comparison. */
  constructor(parts: {
    brokers: string[];
    served: ServedModel;
    first: Model;
    first_version: string;
    processor: Processor;
  }) {
    this.#publisher = kafkaPublisher({ brokers: parts.brokers, topics: TOPICS });
    this.#capture = captureServing({
      publisher: this.#publisher,
      deployment_id: DEPLOYMENT_ID,
      model_version: parts.first_version,
    });
    this.#feedback = new FeedbackClient({ publisher: this.#publisher });
    this.#served = parts.served;
    this.#first = parts.first;
    this.#processor = parts.processor;
  }

  async receive(mail: Mail): Promise<Received> {
    const input = modelInput(mail);
    const started_ms = performance.now();
    const served = await this.#served.predict(input);
    const prediction_id = this.#capture.capture({
      prediction_id: `mail-${mail.id}`,
      timestamp: mail.time_ms,
      model_version: served.model_version,
      input,
      output: served.output,
      numeric_input: mailFeatures(mail),
      latency_ms: performance.now() - started_ms,
    });
    const { output: frozen_output } = await this.#first.predict(input);
    return { prediction_id, output: served.output, frozen_output };
  }

  feedback({ feedback_type, rating, user_action, time_to_action, ...said }: Feedback): void {
    const common = { ...said, session_id: said.session_id ?? said.prediction_id };
    if (feedback_type === 'explicit') {
      this.#feedback.captureExplicitFeedback({ ...common, comment: undefined, rating: rating ?? undefined });
    } else {
      this.#feedback.captureImplicitFeedback({
        ...common,
        user_action: user_action ?? '',
        time_to_action: time_to_action ?? 0,
      });
    }
  }

  async settle(time_ms: number): Promise<void> {
    await Promise.all([
      this.#publisher.heartbeat('prediction', time_ms),
      this.#publisher.heartbeat('feedback', time_ms),
    ]);
    this.#checkDelivery();
    await this.#processor.settled();
    await this.#served.caughtUp();
  }

  /** A heartbeat comes after everything before it is settled: what is not published by now never will be. */
  #checkDelivery(): void {
    for (const stats of [this.#capture.stats(), this.#feedback.stats()]) {
      if (stats.published === stats.captured) continue;
      throw new ErrataError(
        'E_NOT_PUBLISHED',
        `${stats.captured - stats.published} of ${stats.captured} records were not published: ${stats.last_problem}`,
      );
    }
  }

  async close(): Promise<void> {
    await this.#capture.close();
    await this.#publisher.close();
  }
}
