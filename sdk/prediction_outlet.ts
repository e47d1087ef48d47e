/**
 * Where captured inferences leave the application: completed with who, when and how busy, handed to the publisher,
 * counted. What the serving capture and the capture layer have in common.
 */
import { loadavg } from 'node:os';
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import { DeliveryCounter, type DeliveryStats } from './delivery.ts';
import { type Inference, writePrediction } from './prediction_message.ts';
import type { Message, Publisher } from './publisher.ts';

export interface OutletOptions {
  publisher: Publisher;
  /** What serves, e.g. `spam-filter-eu`; an inference may name another. */
  deployment_id: string;
  model_version: string;
  /** Larger predictions are published without `input`, then without `output`. Default: 786,432. */
  max_record_bytes?: number;
  /** Milliseconds since the epoch. */
  now?: () => number;
  /** The default is the load average of the last minute. */
  serverLoad?: () => number;
}

export interface InferenceDraft {
  /** Of what is kept, roughly. */
  size_bytes: number;
  /** Called at once if there is room: copies what may change. Some of it may come later. */
  retain(): Inference | Promise<Inference>;
}

const DEFAULT_MAX_RECORD_BYTES = 768 * 1024;
/** What a record has besides its draft, roughly. */
const RECORD_BYTES = 512;

export class PredictionOutlet {
  readonly #options: OutletOptions;
  readonly #counter = new DeliveryCounter();
  #is_closed = false;

  /** Throws ErrataError E_CAPTURE for options with which no prediction would be valid. */
  constructor(options: OutletOptions) {
    requireName('deployment_id', options.deployment_id);
    requireName('model_version', options.model_version);
    this.#options = options;
  }

  /** Neither throws nor waits. */
  offer(draft: () => InferenceDraft): void {
    const onSettled = this.#counter.expectOne();
    try {
      if (this.#is_closed) onSettled({ outcome: 'dropped', reason: 'the capture is closed' });
      else this.#options.publisher.publish('prediction', this.#complete(draft()), onSettled);
    } catch (thrown) {
      onSettled({ outcome: 'failed', reason: errorMessage(thrown) });
    }
  }

  #complete({ size_bytes, retain }: InferenceDraft) {
    const { now = Date.now } = this.#options;
    const now_ms = now();
    let kept: Inference | Promise<Inference>;
    return {
      size_bytes: RECORD_BYTES + size_bytes,
      retain: () => {
        kept = retain();
        // Whoever writes it hears of it.
        if (kept instanceof Promise) kept.catch(() => undefined);
      },
      write: () =>
        kept instanceof Promise
          ? kept.then((inference) => this.#write(inference, now_ms))
          : this.#write(kept, now_ms),
    };
  }

  #write(inference: Inference, now_ms: number): Message {
    const { deployment_id, model_version, serverLoad = lastMinuteLoad } = this.#options;
    const { max_record_bytes = DEFAULT_MAX_RECORD_BYTES } = this.#options;
    const captured = {
      ...inference,
      deployment_id: inference.deployment_id ?? deployment_id,
      model_version: inference.model_version ?? model_version,
      timestamp: inference.timestamp ?? now_ms,
      server_load: inference.server_load ?? serverLoad(),
    };
    return writePrediction(captured, max_record_bytes);
  }

  /** Resolves when all that was offered before is acknowledged or has failed. */
  async flush(): Promise<DeliveryStats> {
    await this.#options.publisher.flush('prediction');
    return this.stats();
  }

  stats(): DeliveryStats {
    return this.#counter.stats;
  }

  /** Flushes; later inferences are dropped. The publisher stays open. */
  close(): Promise<DeliveryStats> {
    this.#is_closed = true;
    return this.flush();
  }
}

const MAX_NAME_LENGTH = 256;

function requireName(option: string, value: unknown): void {
  if (typeof value === 'string' && value.length > 0 && value.length <= MAX_NAME_LENGTH) return;
  throw new ErrataError('E_CAPTURE', `${option} must be a text of 1 to ${MAX_NAME_LENGTH} characters`);
}

/** Processes that run or wait, on average over a minute; 0 on Windows. */
function lastMinuteLoad(): number {
  return loadavg()[0]!;
}
