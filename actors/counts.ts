/** Adds to a count. Counts at zero are dropped: nothing is remembered of what was taken back. */
export function addCount(counts: Record<string, number>, key: string | number, delta: number): void {
  const count = (counts[key] ?? 0) + delta;
  if (count === 0) delete counts[key];
  else counts[key] = count;
}

/** Name and count in turn: as they are handed on, where an object with a key for each would cost more than what it says. */
export type CountList = (string | number)[];
export type Counts = Record<string, number> | CountList;

export function listed(counts: Counts): CountList {
  if (Array.isArray(counts)) return counts;
  const list: CountList = [];
  for (const key in counts) list.push(key, counts[key]!);
  return list;
}

export function forEachCount(counts: Counts, onCount: (key: string | number, count: number) => void): void {
  if (Array.isArray(counts))
    for (let at = 0; at < counts.length; at += 2) onCount(counts[at]!, counts[at + 1] as number);
  else for (const key in counts) onCount(key, counts[key]!);
}
