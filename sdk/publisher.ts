/**
 * The contract between who captures (serving capture, feedback client) and who carries. A publisher takes messages
 * into a bounded buffer at once and delivers them in batches; a transport is one way of delivering a batch.
 */
import type { Delivery } from './delivery.ts';

/** Each kind has a topic of its own. */
export type MessageKind = 'prediction' | 'feedback';
export const MESSAGE_KINDS: readonly MessageKind[] = ['prediction', 'feedback'];

export interface Message {
  /** The prediction id: a prediction and its feedback come to partitions of the same number. Null where there is none. */
  key: string | null;
  /** JSON, UTF-8. */
  value: Buffer;
}

/** What is handed to a publisher: made into a message later, off the caller's path. */
export interface Draft {
  /** A guess that counts until the message is there. */
  size_bytes: number;
  /** Called at once if the draft is taken in: keeps what the caller may change afterwards. */
  retain?(): void;
  /** Called once, later. What it throws, or rejects with, is why the message failed. */
  write(): Message | Promise<Message>;
}

export interface Publisher {
  /** Neither throws nor waits. `onSettled` is called once, perhaps before this returns. */
  publish(kind: MessageKind, draft: Draft, onSettled: (delivery: Delivery) => void): void;
  /** Resolves when all that was handed over before is settled; never rejects. */
  flush(kind?: MessageKind): Promise<void>;
  /**
   * Says, after all that was published before, that no message of this kind with an event time before `time_ms` will
   * follow from anyone. Windows can close up to there, though the topic goes quiet. Throws ErrataError E_PUBLISH,
   * also where the transport cannot carry heartbeats.
   */
  heartbeat(kind: MessageKind, time_ms: number): Promise<void>;
  stats(): PublisherStats;
  /** Delivers what is there for as long as `close_timeout_ms` and disconnects; later messages are dropped. Never rejects. */
  close(): Promise<void>;
}

/** What is not settled yet, and why the last attempt to deliver failed, if it did. */
export interface PublisherStats {
  buffered: number;
  buffered_bytes: number;
  last_problem: string | undefined;
}

/** A message that will not be taken, however often it is sent. */
export interface Refused {
  /** In the batch, from 0. */
  index: number;
  reason: string;
}

export interface Transport {
  readonly max_batch_messages: number;
  readonly max_batch_bytes: number;
  /**
   * Resolves when all messages are acknowledged or refused for good, with those that were refused. Throws ErrataError
   * E_TOO_LARGE where a smaller batch may pass; whatever else it throws is tried again. A batch that failed may have
   * arrived all the same, wholly or in part.
   */
  send(kind: MessageKind, messages: readonly Message[]): Promise<readonly Refused[]>;
  /** Resolves when the heartbeat is acknowledged in all partitions of the kind's topic. Absent: it has no partitions. */
  heartbeat?(kind: MessageKind, time_ms: number): Promise<void>;
  close(): Promise<void>;
}
