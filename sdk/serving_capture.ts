/**
 * Publishes what a model did, for serving code of any kind. `capture` hands the inference over and returns; statistics
 * and JSON are made between the application's turns, and what cannot be delivered is counted, never thrown.
 */
import { randomUUID } from 'node:crypto';
import type { DeliveryStats } from './delivery.ts';
import { hasShape, isNumericArray } from './input_stats.ts';
import type { Inference } from './prediction_message.ts';
import { type InferenceDraft, type OutletOptions, PredictionOutlet } from './prediction_outlet.ts';

export type ServingCaptureOptions = OutletOptions;

export interface ServingCapture {
  /** The prediction id, for the feedback to come. Never throws, never waits. */
  capture(inference: Inference): string;
  /** Resolves when all that was captured before is acknowledged or has failed. */
  flush(): Promise<DeliveryStats>;
  stats(): DeliveryStats;
  /** Flushes; later inferences are dropped. The publisher stays open. */
  close(): Promise<DeliveryStats>;
}

/** Throws ErrataError E_CAPTURE for options with which no prediction would be valid. */
export function captureServing(options: ServingCaptureOptions): ServingCapture {
  const outlet = new PredictionOutlet(options);
  return {
    capture(inference) {
      const prediction_id = idOf(inference);
      outlet.offer(() => draftOf({ ...inference, prediction_id }));
      return prediction_id;
    },
    flush: () => outlet.flush(),
    stats: () => outlet.stats(),
    close: () => outlet.close(),
  };
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

function draftOf(inference: Inference): InferenceDraft {
  const { input, numeric_input, output } = inference;
  return {
    size_bytes: guessBytes(input) + guessBytes(numeric_input) + guessBytes(output),
    retain: () => ({
      ...inference,
      input: copyOfNumbers(input),
      numeric_input: copyOfNumbers(numeric_input),
    }),
  };
}

/** Typed arrays are buffers that applications use again. */
function copyOfNumbers<T>(value: T): T {
  if (isNumericArray(value)) return value.slice() as T;
  if (hasShape(value)) return { ...value, values: copyOfNumbers(value.values) };
  return value;
}

/** Without looking inside: it counts only until the message is written. */
function guessBytes(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (isNumericArray(value)) return value.byteLength;
  if (hasShape(value)) return guessBytes(value.values);
  return Array.isArray(value) ? 8 * value.length : 0;
}
