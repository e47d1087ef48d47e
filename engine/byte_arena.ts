/**
 * Memory for many small pieces of bytes, in pages that a garbage collector does not look into. A page is used again once
 * all that was put into it is released: meant for what goes about in the order in which it came.
 */

const FIRST_PAGE_BYTES = 64 * 1024;
const PAGE_MAX_BYTES = 4 * 1024 * 1024;
/** Empty pages that are kept for later. */
const SPARE_PAGES = 4;

export interface Page {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Its place in `pages`. */
  readonly number: number;
  live_bytes: number;
}

export class ByteArena {
  /** By number; undefined: given back. */
  readonly pages: (Page | undefined)[] = [];
  readonly #free_numbers: number[] = [];
  readonly #spare: Page[] = [];
  #open: Page | undefined;
  #page_bytes = FIRST_PAGE_BYTES;
  #end = 0;
  /** Where in its page the piece begins that was allocated last. */
  offset = 0;

  /** Room for so many bytes, at `offset` of the page. */
  allocate(size_bytes: number): Page {
    let page = this.#open;
    if (!page || this.#end + size_bytes > page.bytes.length) page = this.#next(size_bytes);
    this.offset = this.#end;
    this.#end += size_bytes;
    page.live_bytes += size_bytes;
    return page;
  }

  release(page: Page, size_bytes: number): void {
    page.live_bytes -= size_bytes;
    if (page.live_bytes > 0) return;
    if (page === this.#open) this.#end = 0;
    else if (page.bytes.length === PAGE_MAX_BYTES && this.#spare.length < SPARE_PAGES) this.#spare.push(page);
    else {
      this.pages[page.number] = undefined;
      this.#free_numbers.push(page.number);
    }
  }

  #next(size_bytes: number): Page {
    this.#end = 0;
    const spare = size_bytes <= PAGE_MAX_BYTES ? this.#spare.pop() : undefined;
    this.#open = spare ?? this.#create(Math.max(size_bytes, this.#page_bytes));
    this.#page_bytes = Math.min(this.#page_bytes * 2, PAGE_MAX_BYTES);
    return this.#open;
  }

  #create(size_bytes: number): Page {
    const bytes = Buffer.allocUnsafeSlow(size_bytes);
    const number = this.#free_numbers.pop() ?? this.pages.length;
    const page = { bytes, view: new DataView(bytes.buffer), number, live_bytes: 0 };
    this.pages[number] = page;
    return page;
  }
}
