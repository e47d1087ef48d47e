/**
 * Replays mails and what their readers make of them in the order of their dates.
 *
 * The replay's clock stops at every end of a window until windows, training and rollout up to that time have settled,
 * so that what a mail meets depends on dates and seed alone, and not on how fast the machine is.
 */
import TinyQueue from 'tinyqueue';
import type { Feedback } from '../../messages/feedback.ts';
import type { Mail } from './mails.ts';
import type { Classified } from './report.ts';

/** What the replay does to the world. */
export interface Mailbox {
  /** Has the mail classified by the model that is served, and by the first model. */
  receive(mail: Mail): Promise<Received>;
  feedback(feedback: Feedback): void;
  /** All up to `time_ms` has been sent: resolves once everything that follows from it is settled. */
  settle(time_ms: number): Promise<void>;
}

export interface Received {
  prediction_id: string;
  output: unknown;
  frozen_output: unknown;
}

/** What a reader makes of an answer, if anything. */
export type Readers = (mail: Mail, answer: Received) => Reaction | undefined;

export interface Reaction {
  time_ms: number;
  feedback: Feedback;
}

export interface ReplayOptions {
  mails: readonly Mail[];
  window_ms: number;
  readers: Readers;
  onProgress(done: readonly Classified[], time_ms: number): void;
}

export async function replay(mailbox: Mailbox, options: ReplayOptions): Promise<Classified[]> {
  const { mails, window_ms, readers } = options;
  const reactions = new TinyQueue<Reaction>([], (a, b) => a.time_ms - b.time_ms || compareIds(a, b));
  const done: Classified[] = [];
  const endOfWindow = (time_ms: number) => (Math.floor(time_ms / window_ms) + 1) * window_ms;
  let window_end_ms = mails[0] ? endOfWindow(mails[0].time_ms) : 0;

  /** Everything before `time_ms`, window by window. */
  const goOnTo = async (time_ms: number) => {
    for (;;) {
      const next_ms = Math.min(time_ms, reactions.peek()?.time_ms ?? Number.POSITIVE_INFINITY);
      if (next_ms >= window_end_ms && done.length > 0) {
        await mailbox.settle(window_end_ms);
        options.onProgress(done, window_end_ms);
        if (next_ms === Number.POSITIVE_INFINITY) return;
        window_end_ms = endOfWindow(next_ms);
      }
      if (next_ms >= time_ms) return;
      mailbox.feedback(reactions.pop()!.feedback);
    }
  };

  for (const mail of mails) {
    await goOnTo(mail.time_ms);
    const received = await mailbox.receive(mail);
    done.push({
      time_ms: mail.time_ms,
      frozen_wrong: received.frozen_output !== mail.label,
      live_wrong: received.output !== mail.label,
    });
    const reaction = readers(mail, received);
    if (reaction) reactions.push(reaction);
  }
  await goOnTo(Number.POSITIVE_INFINITY);
  return done;
}

function compareIds(a: Reaction, b: Reaction): number {
  return a.feedback.prediction_id < b.feedback.prediction_id ? -1 : 1;
}
