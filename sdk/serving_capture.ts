/**
 * Publishes what a model did, for serving code of any kind. `capture` hands the inference over and returns; statistics
 * and JSON are made between the application's turns, and what cannot be delivered is counted, never thrown.
 */
import { randomUUID } from 'node:crypto';
import { loadavg } from 'node:os';
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import { type Delivery, DeliveryCounter, type DeliveryStats } from './delivery.ts';
import { hasShape, isNumericArray } from './input_stats.ts';
import { type Captured, type Inference, writePrediction } from './prediction_message.ts';
import type { Publisher } from './publisher.ts';

export interface ServingCaptureOptions {
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

export interface ServingCapture {
  /** The prediction id, for the feedback to come. Never throws, never waits. */
  capture(inference: Inference): string;
  /** Resolves when all that was captured before is acknowledged or has failed. */
  flush(): Promise<DeliveryStats>;
  stats(): DeliveryStats;
  /** Flushes; later inferences are dropped. The publisher stays open. */
  close(): Promise<DeliveryStats>;
}

const DEFAULT_MAX_RECORD_BYTES = 768 * 1024;

/** Throws ErrataError E_CAPTURE for options with which no prediction would be valid. */
export function captureServing(options: ServingCaptureOptions): ServingCapture {
  requireName('deployment_id', options.deployment_id);
  requireName('model_version', options.model_version);
  return new BufferedCapture(options);
}

const MAX_NAME_LENGTH = 256;

function requireName(option: string, value: unknown): void {
  if (typeof value === 'string' && value.length > 0 && value.length <= MAX_NAME_LENGTH) return;
  throw new ErrataError('E_CAPTURE', `${option} must be a text of 1 to ${MAX_NAME_LENGTH} characters`);
}

class BufferedCapture implements ServingCapture {
  readonly #options: ServingCaptureOptions;
  readonly #counter = new DeliveryCounter();
  #is_closed = false;

  constructor(options: ServingCaptureOptions) {
    this.#options = options;
  }

  capture(inference: Inference): string {
    const onSettled = this.#counter.expectOne();
    const prediction_id = idOf(inference);
    try {
      if (this.#is_closed) onSettled({ outcome: 'dropped', reason: 'the capture is closed' });
      else this.#publish({ ...inference, prediction_id }, onSettled);
    } catch (thrown) {
      onSettled({ outcome: 'failed', reason: errorMessage(thrown) });
    }
    return prediction_id;
  }

  #publish(inference: Inference & { prediction_id: string }, onSettled: (delivery: Delivery) => void): void {
    const { publisher, deployment_id, model_version, now = Date.now } = this.#options;
    const { serverLoad = lastMinuteLoad, max_record_bytes = DEFAULT_MAX_RECORD_BYTES } = this.#options;
    const captured = {
      ...inference,
      deployment_id: inference.deployment_id ?? deployment_id,
      model_version: inference.model_version ?? model_version,
      timestamp: inference.timestamp ?? now(),
      input: copyOfNumbers(inference.input),
      numeric_input: copyOfNumbers(inference.numeric_input),
    };
    const { input, numeric_input, output } = captured;
    const size_bytes = RECORD_BYTES + guessBytes(input) + guessBytes(numeric_input) + guessBytes(output);
    const write = () => {
      const complete: Captured = { ...captured, server_load: captured.server_load ?? serverLoad() };
      return writePrediction(complete, max_record_bytes);
    };
    publisher.publish('prediction', { size_bytes, write }, onSettled);
  }

  async flush(): Promise<DeliveryStats> {
    await this.#options.publisher.flush('prediction');
    return this.stats();
  }

  stats(): DeliveryStats {
    return this.#counter.stats;
  }

  close(): Promise<DeliveryStats> {
    this.#is_closed = true;
    return this.flush();
  }
}

/** The id as it will be published. */
function idOf(inference: Inference): string {
  try {
    const given: unknown = inference.prediction_id;
    if (given !== undefined && given !== null) return String(given).toWellFormed();
  } catch {
    // What cannot be read is no id.
  }
  return randomUUID();
}

/** Processes that run or wait, on average over a minute; 0 on Windows. */
function lastMinuteLoad(): number {
  return loadavg()[0]!;
}

/** Typed arrays are buffers that applications use again. */
function copyOfNumbers<T>(value: T): T {
  if (isNumericArray(value)) return value.slice() as T;
  if (hasShape(value)) return { ...value, values: copyOfNumbers(value.values) };
  return value;
}

/** What a record has besides input and output, roughly. */
const RECORD_BYTES = 512;

/** Without looking inside: it counts only until the message is written. */
function guessBytes(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (isNumericArray(value)) return value.byteLength;
  if (hasShape(value)) return guessBytes(value.values);
  return Array.isArray(value) ? 8 * value.length : 0;
}
