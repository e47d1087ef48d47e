/**
 * Many sparse histograms in a few typed arrays: a histogram is a row of pages of 32 bins, and a page is taken from a
 * common pool when its first bin is counted.
 */
import { emptyPage, PAGE_BINS, type Pages } from './bins.ts';
import { grown } from './key_table.ts';

export class HistogramPages {
  readonly #first_bin: number;
  readonly #pages_per_row: number;
  /** Per row and page its number in the pool + 1; 0: none. */
  #rows: Int32Array;
  #pool = new Uint32Array(256 * PAGE_BINS);
  #used_pages = 0;
  #used_rows = 0;

  /** Counts bins from `first_bin`, where a page begins, up to, not including, `end_bin`. */
  constructor(first_bin: number, end_bin: number) {
    this.#first_bin = first_bin;
    this.#pages_per_row = Math.ceil((end_bin - first_bin) / PAGE_BINS);
    this.#rows = new Int32Array(64 * this.#pages_per_row);
  }

  has(bin: number): boolean {
    return bin >= this.#first_bin && bin < this.#first_bin + this.#pages_per_row * PAGE_BINS;
  }

  /** `bin` is one that it `has`. */
  count(row: number, bin: number): void {
    const index = bin - this.#first_bin;
    const at = row * this.#pages_per_row + (index >> 5);
    if (row >= this.#used_rows) this.#open(row);
    let page = this.#rows[at]!;
    if (page === 0) page = this.#rows[at] = this.#takePage();
    const place = (page - 1) * PAGE_BINS + (index & (PAGE_BINS - 1));
    this.#pool[place] = this.#pool[place]! + 1;
  }

  /** The counted bins of a row. */
  bins(row: number): Pages {
    const bins: Pages = {};
    if (row >= this.#used_rows) return bins;
    const first_page = this.#first_bin / PAGE_BINS;
    for (let index = 0; index < this.#pages_per_row; index++) {
      const page = this.#rows[row * this.#pages_per_row + index]!;
      if (page !== 0) bins[first_page + index] = this.#countsOf(page - 1);
    }
    return bins;
  }

  /** Bin and count in turn. */
  few(row: number): number[] {
    const few: number[] = [];
    if (row >= this.#used_rows) return few;
    for (let index = 0; index < this.#pages_per_row; index++) {
      const page = this.#rows[row * this.#pages_per_row + index]!;
      if (page === 0) continue;
      for (let at = 0; at < PAGE_BINS; at++) {
        const count = this.#pool[(page - 1) * PAGE_BINS + at]!;
        if (count !== 0) few.push(this.#first_bin + index * PAGE_BINS + at, count);
      }
    }
    return few;
  }

  #countsOf(page: number): number[] {
    const counts = emptyPage();
    for (let at = 0; at < PAGE_BINS; at++) counts[at] = this.#pool[page * PAGE_BINS + at]!;
    return counts;
  }

  get size_bytes(): number {
    return 4 * (this.#used_rows * this.#pages_per_row + this.#used_pages * PAGE_BINS);
  }

  clear(): void {
    this.#rows.fill(0, 0, this.#used_rows * this.#pages_per_row);
    this.#pool.fill(0, 0, this.#used_pages * PAGE_BINS);
    this.#used_rows = 0;
    this.#used_pages = 0;
  }

  #open(row: number): void {
    const needed = (row + 1) * this.#pages_per_row;
    if (needed > this.#rows.length) this.#rows = grown(this.#rows, needed - this.#rows.length);
    this.#used_rows = row + 1;
  }

  #takePage(): number {
    this.#used_pages++;
    const needed = this.#used_pages * PAGE_BINS;
    if (needed > this.#pool.length) this.#pool = grown(this.#pool, PAGE_BINS);
    return this.#used_pages;
  }
}
