/**
 * The counts of a sparse histogram. While there are few bins, and none of negative values, they are a list of bin and count in
 * turn: most windows of many keys hold few values. Then they are pages of 32 bins: few keys and short arrays of numbers, which
 * are quickly added up and quickly written as JSON. What was taken back leaves nothing.
 */

import { PAGE_BINS } from './columns_layout.ts';

const PAGE_SHIFT = 5;
/** More of them are kept by page. */
export const FEW_MAX = 64;

/** Without holes, which `new Array(32)` has: V8 writes those as JSON several times slower. */
const EMPTY_PAGE: readonly number[] = [0, 0, 0, 0, 0, 0, 0, 0].flatMap((zero) => [zero, zero, zero, zero]);

export function emptyPage(): number[] {
  return EMPTY_PAGE.slice();
}

/** Page → its counts; page `3` holds bins 96 to 127. `n3` is the page of the negatives of what page `3` would hold. */
export type Pages = Record<string, number[]>;

/** Bin and count in turn, from the lowest bin to the highest, or pages. */
export type Bins = number[] | Pages;

/** The sum; `to` is used for it, or of no more use. */
export function addToBin(to: Bins, bin: number, is_negative: boolean, weight: number): Bins {
  if (Array.isArray(to)) {
    if (!is_negative && addToFew(to, bin, weight)) return to;
    to = pagesOf(to);
  }
  addToPage(to, bin, is_negative, weight);
  return to;
}

/** As `addToBin`; `from` stays as it is. */
export function mergeBins(to: Bins, from: Bins): Bins {
  if (Array.isArray(to) && Array.isArray(from)) {
    const merged = mergedFew(to, from);
    return merged.length > 2 * FEW_MAX ? pagesOf(merged) : merged;
  }
  const pages = Array.isArray(to) ? pagesOf(to) : to;
  if (Array.isArray(from)) addAll(pages, from);
  else mergePages(pages, from);
  return pages;
}

/** False where it would be one bin too many. */
function addToFew(few: number[], bin: number, weight: number): boolean {
  let at = 0;
  while (at < few.length && few[at]! < bin) at += 2;
  if (few[at] !== bin) {
    if (few.length === 2 * FEW_MAX) return false;
    few.splice(at, 0, bin, weight);
    return true;
  }
  few[at + 1]! += weight;
  if (few[at + 1] === 0) few.splice(at, 2);
  return true;
}

/** One list of the two, in order. */
function mergedFew(a: readonly number[], b: readonly number[]): number[] {
  const merged: number[] = [];
  let [of_a, of_b] = [0, 0];
  while (of_a < a.length && of_b < b.length) {
    const [bin_a, bin_b] = [a[of_a]!, b[of_b]!];
    if (bin_a < bin_b) merged.push(bin_a, a[of_a + 1]!);
    else if (bin_b < bin_a) merged.push(bin_b, b[of_b + 1]!);
    else {
      const count = a[of_a + 1]! + b[of_b + 1]!;
      if (count !== 0) merged.push(bin_a, count);
    }
    if (bin_a <= bin_b) of_a += 2;
    if (bin_b <= bin_a) of_b += 2;
  }
  for (; of_a < a.length; of_a++) merged.push(a[of_a]!);
  for (; of_b < b.length; of_b++) merged.push(b[of_b]!);
  return merged;
}

function pagesOf(few: readonly number[]): Pages {
  const pages: Pages = {};
  addAll(pages, few);
  return pages;
}

function addAll(to: Pages, few: readonly number[]): void {
  for (let at = 0; at < few.length; at += 2) addToPage(to, few[at]!, false, few[at + 1]!);
}

function addToPage(to: Pages, bin: number, is_negative: boolean, weight: number): void {
  const page = bin >> PAGE_SHIFT;
  const name = is_negative ? `n${page}` : page;
  let counts = to[name];
  if (counts === undefined) to[name] = counts = emptyPage();
  const at = bin & (PAGE_BINS - 1);
  counts[at] = counts[at]! + weight;
  if (counts[at] === 0 && counts.every((count) => count === 0)) delete to[name];
}

function mergePages(to: Pages, from: Pages): void {
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

type OnBin = (bin: number, is_negative: boolean, count: number) => boolean;

/** Calls `onBin` for each bin with a count, from the lowest value to the highest, until it returns false. */
export function walkBins(bins: Bins, onBin: OnBin): void {
  if (Array.isArray(bins)) walkFew(bins, onBin);
  else walkPages(bins, onBin);
}

function walkFew(few: readonly number[], onBin: OnBin): void {
  for (let at = 0; at < few.length; at += 2) if (!onBin(few[at]!, false, few[at + 1]!)) return;
}

interface Page {
  is_negative: boolean;
  first_bin: number;
  counts: readonly number[];
}

function walkPages(pages: Pages, onBin: OnBin): void {
  for (const { is_negative, first_bin, counts } of Object.entries(pages).map(pageOf).sort(byValue))
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

/** All counts together. */
export function totalOf(bins: Bins): number {
  let total = 0;
  if (Array.isArray(bins)) for (let at = 1; at < bins.length; at += 2) total += bins[at]!;
  else for (const name in bins) for (const count of bins[name]!) total += count;
  return total;
}
