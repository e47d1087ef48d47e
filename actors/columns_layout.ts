/**
 * Where the columns of windows lie in memory, in bytes, behind what the scanner has there (messages/scan/layout.ts). What grows
 * is a region: where it begins and for how many entries there is room are told by who makes the room.
 */

/** What is asked of a record, each entry three i32: where its number is, the bits in which it is said, its bit. */
export const SOURCES = 0x2a00;
export const SOURCE_BYTES = 12;
export const RATING = 0;
export const TIME_TO_ACTION = 1;
export const LATENCY = 2;
export const INPUT_MEAN = 3;
export const INPUT_STD = 4;
/** From here on those that the topology names. */
export const MEASURES = 5;

/** How windows are formed (i32, then f64). */
export const MEASURE_COUNT = 0x2b00;
export const BY_COUNT = 0x2b04;
/** The fields by which they are grouped, two at most. */
export const BY_FIELDS = 0x2b08;
/** 1: predictions are events, too. */
export const OVER_ALL = 0x2b10;
export const STEPS_PER_SLICE = 0x2b14;
export const PAGES_PER_ROW = 0x2b1c;
export const RATING_BELOW = 0x2b20;
export const TIME_TO_ACTION_ABOVE = 0x2b28;
export const SLICE_MS = 0x2b30;
export const STEP_MS = 0x2b38;
/** The largest value that has a bin, and what parts of a pattern stay below. */
export const LARGEST_VALUE = 0x2b40;
export const PATTERN_PART_MAX = 0x2b48;
/** What the published rule takes for what is missing. */
export const ASSUMED_RATING = 0x2b50;
export const ASSUMED_TIME_TO_ACTION = 0x2b58;

/** The smallest value that has a bin of its own, what is smaller being counted with it (f64). */
export const SMALLEST_VALUE = 0x2b60;
/** By what a value begins with (an octave has 64 cells): bin of the least such value, less the first bin (u16). */
export const BIN_CELLS = 0x2b68;
/** By bin, from the first one on: the least value that is beyond it (f64). */
export const BIN_ENDS = 0x2b6c;
/** Of a double's 64 bits, those that a cell does not go by. */
export const CELL_SHIFT = 46;

/** Regions: where one begins, entries that it has room for, entries in use (i32 each). */
export const REGION_BYTES = 12;
/** Bytes of all keys, one after the other. */
export const KEY_BYTES = 0x2b80;
/** Per key: hash, where its bytes begin, how many, whether it is at home (1) or not (2), or nobody has asked (0). */
export const KEYS = 0x2b8c;
export const KEY_ENTRY_BYTES = 16;
/** Hash tables, one after the other: number of an entry + 1; 0: free. Their room is a power of two. */
export const KEY_PLACES = 0x2b98;
export const SLOT_PLACES = 0x2ba4;
export const PATTERN_PLACES = 0x2bb0;
/** When each slice begins (f64). */
export const SLICES = 0x2bbc;
/** Per slice and key: the number of the key, of the slice. */
export const SLOTS = 0x2bc8;
export const SLOT_BYTES = 8;
/** Per slot its sums (f64): see `SUM_*`. */
export const SUMS = 0x2bd4;
/** Per slot the predictions of each step of its slice (f64). */
export const STEPS = 0x2be0;
/** Per slot and histogram its pages: number of a page + 1; 0: none. */
export const ROWS = 0x2bec;
/** Counts of 32 bins (u32). */
export const PAGES = 0x2bf8;
/** Slot, count (i32) and pattern (f64). */
export const PATTERNS = 0x2c04;
export const PATTERN_BYTES = 16;

/** Sums of a slot: counts, and number, sum and sum of squares of values. */
export const SUM_EVENTS = 0;
export const SUM_LOW_RATINGS = 1;
export const SUM_SLOW_ACTIONS = 2;
export const SUM_INPUT_MEAN = 3;
export const SUM_LATENCY = 6;
export const SUM_MEASURES = 9;
export const MOMENTS_WIDTH = 3;

/** What `takeRecords` goes by (records.ts): f64, and i32. */
export const BASE_TIMESTAMP_MS = 0x2d00;
export const MAX_AHEAD_MS = 0x2d08;
export const LATENESS_MS = 0x2d10;
export const WATERMARK_MS = 0x2d18;
export const HELD_MS = 0x2d20;
export const REACHED_MS = 0x2d28;
export const DISORDER_MS = 0x2d30;
export const DUE_MS = 0x2d38;
export const MAX_RECORD_BYTES = 0x2d40;
/** 0: the records' own times do not count. */
export const HAS_OWN_TIMES = 0x2d44;
/** What it tells: how many it took, where the next one begins, the last one's offset less the batch's. */
export const TAKEN = 0x2d48;
export const NEXT_AT = 0x2d4c;
export const LAST_OFFSET_DELTA = 0x2d50;

/** What functions of wasm/ answer. It is unusual, and to be left to others. */
export const UNUSUAL = 0;
export const DONE = 1;
/** Somebody has to say whether the key that was added last is at home. */
export const NEW_KEY = 2;
/** The slice of its time has to be opened. */
export const NEW_SLICE = 3;
/** More room is needed. */
export const FULL = 4;
/** What follows lies outside of the input. */
export const BEYOND = 5;
/** More room for entries is needed. */
export const ENTRIES_FULL = 6;

/** What the last int of a key says: see KEYS. */
export const AT_HOME = 1;
export const NOT_AT_HOME = 2;
/** Stands behind each field of a key; no UTF-8 text holds it. */
export const KEY_SEPARATOR = 0xff;
/** Of a histogram, in one page. */
export const PAGE_BINS = 32;
