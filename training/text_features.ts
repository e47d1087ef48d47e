/**
 * Text as a sparse vector by feature hashing (Weinberger et al., "Feature Hashing for Large Scale Multitask
 * Learning", ICML 2009, here without signs): one dimension per hash of a word, 1 where the word occurs, scaled to
 * length 1, so that long texts weigh no more than short ones.
 */
import { fnv1a } from './random.ts';

const WORD = /[a-z0-9$€£!][a-z0-9$€£!'_.-]*/g;
const MAX_WORD_LENGTH = 24;

export interface SparseVector {
  indices: Int32Array;
  /** The same for each index. */
  value: number;
}

/**
 * `input` is a text, or an object: each of its fields that holds a text has a vocabulary of its own (the words of
 * `subject` are not those of `body`). Of each text the first `max_characters` are read.
 */
export function textFeatures(input: unknown, dimensions: number, max_characters: number): SparseVector {
  const found = new Set<number>();
  for (const [field, text] of textFields(input)) {
    const words = text.slice(0, max_characters).toLowerCase().match(WORD) ?? [];
    for (const word of words) {
      found.add(fnv1a(`${field}:${word.slice(0, MAX_WORD_LENGTH)}`) % dimensions);
    }
  }
  const indices = Int32Array.from(found).sort();
  return { indices, value: indices.length === 0 ? 0 : 1 / Math.sqrt(indices.length) };
}

function textFields(input: unknown): [field: string, text: string][] {
  if (typeof input === 'string') return [['', input]];
  if (typeof input !== 'object' || input === null) return [];
  return Object.entries(input).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
}
