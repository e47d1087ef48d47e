/** Adds to a count. Counts at zero are dropped: nothing is remembered of what was taken back. */
export function addCount(counts: Record<string, number>, key: string | number, delta: number): void {
  const count = (counts[key] ?? 0) + delta;
  if (count === 0) delete counts[key];
  else counts[key] = count;
}

export function mergeCounts(to: Record<string, number>, from: Record<string, number>): void {
  for (const key in from) addCount(to, key, from[key]!);
}
