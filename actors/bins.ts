/**
 * The counts of a sparse histogram, by pages of 32 bins: few keys and short arrays of numbers, which are quickly added up
 * and quickly written as JSON. Page `3` holds bins 96 to 127; a page without counts is dropped, so what was taken back
 * leaves nothing.
 */

export const PAGE_BINS = 32;
const PAGE_SHIFT = 5;

/** Without holes, which `new Array(32)` has: V8 writes those as JSON several times slower. */
const EMPTY_PAGE: readonly number[] = [0, 0, 0, 0, 0, 0, 0, 0].flatMap((zero) => [zero, zero, zero, zero]);

export function emptyPage(): number[] {
  return EMPTY_PAGE.slice();
}

/** Page → its counts. `n3` is the page of the negatives of what page `3` would hold. */
export type Bins = Record<string, number[]>;

export function addToBin(to: Bins, bin: number, is_negative: boolean, weight: number): void {
  const page = bin >> PAGE_SHIFT;
  const name = is_negative ? `n${page}` : page;
  let counts = to[name];
  if (counts === undefined) to[name] = counts = emptyPage();
  const at = bin & (PAGE_BINS - 1);
  counts[at] = counts[at]! + weight;
  if (counts[at] === 0 && counts.every((count) => count === 0)) delete to[name];
}

export function mergeBins(to: Bins, from: Bins): void {
  for (const name in from) {
    const added = from[name]!;
    const counts = to[name];
    if (counts === undefined) to[name] = added.slice();
    else if (!addCounts(counts, added)) delete to[name];
  }
}

/** False where nothing is left. */
function addCounts(to: number[], added: readonly number[]): boolean {
  let is_any = false;
  for (let at = 0; at < PAGE_BINS; at++) {
    const count = to[at]! + added[at]!;
    to[at] = count;
    if (count !== 0) is_any = true;
  }
  return is_any;
}

interface Page {
  is_negative: boolean;
  first_bin: number;
  counts: readonly number[];
}

/** Calls `onBin` for each bin with a count, from the lowest value to the highest, until it returns false. */
export function walkBins(
  bins: Bins,
  onBin: (bin: number, is_negative: boolean, count: number) => boolean,
): void {
  for (const { is_negative, first_bin, counts } of Object.entries(bins).map(pageOf).sort(byValue))
    for (let step = 0; step < PAGE_BINS; step++) {
      const at = is_negative ? PAGE_BINS - 1 - step : step;
      const count = counts[at]!;
      if (count !== 0 && !onBin(first_bin + at, is_negative, count)) return;
    }
}

function pageOf([name, counts]: [string, readonly number[]]): Page {
  const is_negative = name.startsWith('n');
  return { is_negative, first_bin: Number(is_negative ? name.slice(1) : name) * PAGE_BINS, counts };
}

function byValue(a: Page, b: Page): number {
  if (a.is_negative !== b.is_negative) return a.is_negative ? -1 : 1;
  return a.is_negative ? b.first_bin - a.first_bin : a.first_bin - b.first_bin;
}
