/** The valid name that a mistyped one probably meant. */
import { distance } from 'fastest-levenshtein';

/** Null where no candidate is within a third of the name's length (at least two edits). */
export function nearest(name: string, candidates: Iterable<string>): string | null {
  const limit = Math.max(2, Math.floor(name.length / 3));
  let best: string | null = null;
  let best_distance = limit + 1;
  for (const candidate of candidates) {
    const edits = distance(name.toLowerCase(), candidate.toLowerCase());
    if (edits < best_distance && edits < Math.max(name.length, candidate.length)) {
      best = candidate;
      best_distance = edits;
    }
  }
  return best;
}
