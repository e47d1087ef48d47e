/** Room for a map of entries (wasm/entries.ts) in a memory of its own. */
import { randomInt } from 'node:crypto';
import * as AT from './entries_layout.ts';
import { RegionMemory } from './region_memory.ts';

const FIRST_ENTRIES = 64;
const FIRST_PAGE_BYTES = 64 * 1024;
const PAGE_MAX_BYTES = 4 * 1024 * 1024;
/** Of keys, beyond what all begin with: two ids of 512 characters and what stands around them. */
const FIRST_SCRATCH_BYTES = 2048;
const FIRST_BYTE_COUNTS = 256 * 4;

export class EntriesMemory {
  readonly memory = new RegionMemory();
  #page_bytes = FIRST_PAGE_BYTES;

  /** `prefix`: what all keys begin with. */
  constructor(prefix: Buffer) {
    const { memory } = this;
    // So that nobody can choose keys that get into each other's way.
    memory.setInt(AT.ENTRY_SEED, randomInt(2 ** 31));
    memory.setInt(AT.FIRST_BYTES, memory.allocate(FIRST_BYTE_COUNTS));
    memory.setInt(AT.PREFIX_BYTES, prefix.length);
    memory.giveRoom(AT.SCRATCH, prefix.length + FIRST_SCRATCH_BYTES, 1, 0);
    memory.bytes.set(prefix, memory.base(AT.SCRATCH));
    this.#giveNumbers(FIRST_ENTRIES);
    this.#giveEntryPlaces(2 * FIRST_ENTRIES);
    memory.giveRoom(AT.ARENA, FIRST_ENTRIES, AT.PAGE_BYTES_EACH, 0);
  }

  /** Where a key of so many bytes goes, behind what all begin with. */
  keyRoom(key_bytes: number): number {
    const { memory } = this;
    const prefix_bytes = memory.int(AT.PREFIX_BYTES);
    // Words are compared and copied beyond their end.
    const needed = prefix_bytes + key_bytes + AT.PAGE_PADDING;
    if (needed > memory.room(AT.SCRATCH)) memory.giveRoom(AT.SCRATCH, 2 * needed, 1, prefix_bytes);
    return memory.base(AT.SCRATCH) + prefix_bytes;
  }

  /** Until an entry of so many bytes has room. */
  makeRoom(size_bytes: number): void {
    const { memory } = this;
    while (memory.exports.hasEntryRoom(size_bytes) === 0) this.#grow(size_bytes);
  }

  #grow(size_bytes: number): void {
    const { memory } = this;
    if (memory.used(AT.FREE_ENTRIES) === 0 && memory.used(AT.ENTRIES) === memory.room(AT.ENTRIES))
      this.#giveNumbers(2 * memory.room(AT.ENTRIES));
    else if (2 * memory.int(AT.ENTRY_COUNT) >= memory.room(AT.ENTRY_PLACES))
      this.#giveEntryPlaces(2 * memory.room(AT.ENTRY_PLACES));
    else this.#addPage(size_bytes + AT.PAGE_PADDING);
  }

  #giveNumbers(room: number): void {
    const { memory } = this;
    memory.giveRoom(AT.ENTRIES, room, AT.ENTRY_BYTES_EACH, memory.used(AT.ENTRIES) * AT.ENTRY_BYTES_EACH);
    for (const region of [AT.CHANGED, AT.ADDED, AT.FREE_ENTRIES])
      memory.giveRoom(region, room, 4, 4 * memory.used(region));
  }

  #giveEntryPlaces(room: number): void {
    const { memory } = this;
    const [base, places] = [memory.base(AT.ENTRY_PLACES), memory.room(AT.ENTRY_PLACES)];
    memory.giveRoom(AT.ENTRY_PLACES, room, AT.ENTRY_PLACE_BYTES, 0);
    memory.exports.enterAll(base, places);
  }

  #addPage(least_bytes: number): void {
    const { memory } = this;
    const page = memory.used(AT.ARENA);
    if (page === memory.room(AT.ARENA))
      memory.giveRoom(AT.ARENA, 2 * page, AT.PAGE_BYTES_EACH, page * AT.PAGE_BYTES_EACH);
    const size_bytes = Math.max(least_bytes, this.#page_bytes);
    const base = memory.allocate(size_bytes);
    const at = (memory.base(AT.ARENA) + page * AT.PAGE_BYTES_EACH) >>> 2;
    memory.ints[at] = base;
    memory.ints[at + AT.PAGE_SIZE / 4] = size_bytes;
    memory.setUsed(AT.ARENA, page + 1);
    memory.exports.freePage(page);
    this.#page_bytes = Math.min(2 * this.#page_bytes, PAGE_MAX_BYTES);
  }
}
