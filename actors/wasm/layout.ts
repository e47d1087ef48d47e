/**
 * Where the columns of windows lie in memory, in bytes, behind what the scanner has there (messages/scan/wasm/layout.ts). What grows
 * is a region: where it begins and for how many entries there is room are told by who makes the room.
 */

/** What is asked of a record, each entry three i32: where its number is, the bits in which it is said, its bit. */
export const SOURCES: i32 = 0x2a00;
export const SOURCE_BYTES: i32 = 12;
export const RATING: i32 = 0;
export const TIME_TO_ACTION: i32 = 1;
export const LATENCY: i32 = 2;
export const INPUT_MEAN: i32 = 3;
export const INPUT_STD: i32 = 4;
/** From here on those that the topology names. */
export const MEASURES: i32 = 5;

/** How windows are formed (i32, then f64). */
export const MEASURE_COUNT: i32 = 0x2b00;
export const BY_COUNT: i32 = 0x2b04;
/** The fields by which they are grouped, two at most. */
export const BY_FIELDS: i32 = 0x2b08;
/** 1: predictions are events, too. */
export const OVER_ALL: i32 = 0x2b10;
export const STEPS_PER_SLICE: i32 = 0x2b14;
export const PAGES_PER_ROW: i32 = 0x2b1c;
export const RATING_BELOW: i32 = 0x2b20;
export const TIME_TO_ACTION_ABOVE: i32 = 0x2b28;
export const SLICE_MS: i32 = 0x2b30;
export const STEP_MS: i32 = 0x2b38;
/** The largest value that has a bin, and what parts of a pattern stay below. */
export const LARGEST_VALUE: i32 = 0x2b40;
export const PATTERN_PART_MAX: i32 = 0x2b48;
/** What the published rule takes for what is missing. */
export const ASSUMED_RATING: i32 = 0x2b50;
export const ASSUMED_TIME_TO_ACTION: i32 = 0x2b58;

/** The smallest value that has a bin of its own, what is smaller being counted with it (f64). */
export const SMALLEST_VALUE: i32 = 0x2b60;
/** By what a value begins with (an octave has 64 cells): bin of the least such value, less the first bin (u16). */
export const BIN_CELLS: i32 = 0x2b68;
/** By bin, from the first one on: the least value that is beyond it (f64). */
export const BIN_ENDS: i32 = 0x2b6c;
/** Of a double's 64 bits, those that a cell does not go by. */
export const CELL_SHIFT: i32 = 46;

/** Regions: where one begins, entries that it has room for, entries in use (i32 each). */
export const REGION_BYTES: i32 = 12;
/** Bytes of all keys, one after the other. */
export const KEY_BYTES: i32 = 0x2b80;
/** Per key: hash, where its bytes begin, how many, whether it is at home (1) or not (2), or nobody has asked (0). */
export const KEYS: i32 = 0x2b8c;
export const KEY_ENTRY_BYTES: i32 = 16;
/** Hash tables, one after the other: number of an entry + 1; 0: free. Their room is a power of two. */
export const KEY_PLACES: i32 = 0x2b98;
export const SLOT_PLACES: i32 = 0x2ba4;
export const PATTERN_PLACES: i32 = 0x2bb0;
/** When each slice begins (f64). */
export const SLICES: i32 = 0x2bbc;
/** Per slice and key: the number of the key, of the slice. */
export const SLOTS: i32 = 0x2bc8;
export const SLOT_BYTES: i32 = 8;
/** Per slot its sums (f64): see `SUM_*`. */
export const SUMS: i32 = 0x2bd4;
/** Per slot the predictions of each step of its slice (f64). */
export const STEPS: i32 = 0x2be0;
/** Per slot and histogram its pages: number of a page + 1; 0: none. */
export const ROWS: i32 = 0x2bec;
/** Counts of 32 bins (u32). */
export const PAGES: i32 = 0x2bf8;
/** Slot, count (i32) and pattern (f64). */
export const PATTERNS: i32 = 0x2c04;
export const PATTERN_BYTES: i32 = 16;

/** Sums of a slot: counts, and number, sum and sum of squares of values. */
export const SUM_EVENTS: i32 = 0;
export const SUM_LOW_RATINGS: i32 = 1;
export const SUM_SLOW_ACTIONS: i32 = 2;
export const SUM_INPUT_MEAN: i32 = 3;
export const SUM_LATENCY: i32 = 6;
export const SUM_MEASURES: i32 = 9;
export const MOMENTS_WIDTH: i32 = 3;

/** What `takeRecords` goes by (records.ts): f64, and i32. */
export const BASE_TIMESTAMP_MS: i32 = 0x2d00;
export const MAX_AHEAD_MS: i32 = 0x2d08;
export const LATENESS_MS: i32 = 0x2d10;
export const WATERMARK_MS: i32 = 0x2d18;
export const HELD_MS: i32 = 0x2d20;
export const REACHED_MS: i32 = 0x2d28;
export const DISORDER_MS: i32 = 0x2d30;
export const DUE_MS: i32 = 0x2d38;
export const MAX_RECORD_BYTES: i32 = 0x2d40;
/** 0: the records' own times do not count. */
export const HAS_OWN_TIMES: i32 = 0x2d44;
/** What it tells: how many it took, where the next one begins, the last one's offset less the batch's. */
export const TAKEN: i32 = 0x2d48;
export const NEXT_AT: i32 = 0x2d4c;
export const LAST_OFFSET_DELTA: i32 = 0x2d50;
