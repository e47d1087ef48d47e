/** Randomness that depends on nothing but a seed and a name: never on order, clock or machine. */

/** Uniform in [0, 1), a function of its arguments alone. */
export function uniform(...names: (string | number)[]): number {
  return mix(fnv1a(names.join('\u0000'))) / 2 ** 32;
}

/** A stream of uniform numbers in [0, 1): mulberry32 (Tommy Ettinger, public domain). */
export function randomStream(...names: (string | number)[]): () => number {
  let state = mix(fnv1a(names.join('\u0000')));
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A permutation of 0 … length-1 (Fisher–Yates). */
export function permutation(length: number, random: () => number): Int32Array {
  const order = Int32Array.from({ length }, (_, index) => index);
  for (let last = length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}

/** FNV-1a over UTF-16 code units, 32 bits (Fowler, Noll, Vo). */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}

/** The finaliser of MurmurHash3: FNV's low bits alone are too regular for names that differ at their end. */
function mix(hash: number): number {
  let word = hash;
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return (word ^ (word >>> 16)) >>> 0;
}
