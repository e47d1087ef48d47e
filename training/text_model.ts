/** A linear model over hashed words that tells two answers apart: how it answers, and how it is written. */
import { ErrataError } from '../messages/errata_error.ts';
import { textFeatures } from './text_features.ts';
import type { Answer, Model } from './trainer.ts';

const FORMAT = 'errata.text_model.1';

export interface TextModelHeader {
  answers: readonly [unknown, unknown];
  dimensions: number;
  /** Read of each text. */
  max_characters: number;
}

export class TextModel implements Model {
  readonly #header: TextModelHeader;
  readonly #weights: Float32Array;

  /** `weights`: one per dimension, and the bias last. */
  constructor(header: TextModelHeader, weights: Float32Array) {
    this.#header = header;
    this.#weights = weights;
  }

  predict(input: unknown): Answer {
    const { answers, dimensions, max_characters } = this.#header;
    const { indices, value } = textFeatures(input, dimensions, max_characters);
    let sum = 0;
    for (const index of indices) sum += this.#weights[index]!;
    const probability = 1 / (1 + Math.exp(-(sum * value + this.#weights[dimensions]!)));
    return probability > 0.5
      ? { output: answers[1], score: probability }
      : { output: answers[0], score: 1 - probability };
  }
}

/** A line of JSON, then the weights as little-endian floats. */
export function encodeTextModel(header: TextModelHeader, weights: Float32Array): Uint8Array {
  const { answers, dimensions, max_characters } = header;
  const line = JSON.stringify({ format: FORMAT, answers, dimensions, max_characters });
  const body = Buffer.alloc(weights.length * 4);
  weights.forEach((weight, index) => {
    body.writeFloatLE(weight, index * 4);
  });
  return Buffer.concat([Buffer.from(`${line}\n`), body]);
}

/** Throws E_ARTEFACT_FORMAT. */
export function decodeTextModel(bytes: Uint8Array): TextModel {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = buffer.indexOf(0x0a);
  const header = parseHeader(buffer.toString('utf8', 0, Math.max(end, 0)));
  if (!header || buffer.length !== end + 1 + (header.dimensions + 1) * 4) {
    throw new ErrataError('E_ARTEFACT_FORMAT', `this is no artefact of format ${FORMAT}`);
  }
  const weights = Float32Array.from({ length: header.dimensions + 1 }, (_, index) =>
    buffer.readFloatLE(end + 1 + index * 4),
  );
  return new TextModel(header, weights);
}

function parseHeader(line: string): TextModelHeader | undefined {
  try {
    const header = JSON.parse(line) as (TextModelHeader & { format: unknown }) | null;
    return header?.format === FORMAT ? header : undefined;
  } catch {
    return undefined;
  }
}
