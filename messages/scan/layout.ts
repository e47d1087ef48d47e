/**
 * Where things lie in the memory of the scanner (wasm/scanner.ts), in bytes. This is AssemblyScript and TypeScript at once, so that
 * both sides have the same.
 */

/** What is known of fields, by number: how each is read (u8), the least and the most it may be (f64). */
export const READINGS = 0x400;
export const LEAST = 0x500;
export const MOST = 0x600;

/** What was read, by field: where its value stands (i32), and its number (f64). */
export const STARTS = 0x700;
export const ENDS = 0x780;
export const NUMBERS = 0x800;
/** By statistic (f64). */
export const STATS = 0x900;
/** One bit per field, or statistic, that is there and not null. */
export const SAID = 0x940;
export const SAID_STATS = 0x944;
/** 1: so it is. */
export const IS_EXPLICIT = 0x948;
/** One of these. */
export const PREDICTION = 1;
export const FEEDBACK = 2;
export const KIND = 0x94c;
/** Event time, milliseconds since the epoch (f64). */
export const TIME_MS = 0x950;

/** Bits of fields: those that only one kind has, and those that it must have. */
export const ONLY_FEEDBACK = 0x960;
export const ONLY_PREDICTION = 0x964;
export const NEEDED_BY_FEEDBACK = 0x968;
export const NEEDED_BY_PREDICTION = 0x96c;
/** Bits of statistics. */
export const NEEDED_STATS = 0x970;
/** The first and the last time that there is (f64). */
export const FIRST_TIME_MS = 0x978;
export const LAST_TIME_MS = 0x980;

/** Keys of records, of statistics, and those that no object may have (keys.ts). */
export const FIELD_KEYS = 0x1000;
export const STAT_KEYS = 0x2000;
export const UNSAFE_KEYS = 0x2800;

/** Of a table of keys: how many, and key → which one came after it the last time (u8). */
export const KEY_COUNT = 0;
export const NEXT_KEYS = 16;
export const KEY_ENTRIES = 128;
/** Of an entry: how long the word is, its bytes, and as many with all bits set. */
export const ENTRY_BYTES = 80;
export const ENTRY_WORD = 16;
export const ENTRY_MASK = 48;
export const WORD_MAX_BYTES = 32;

/** The compiler's own data are below. */
export const INPUT = 0x4000;
/** What is read beyond the input, and never looked at. */
export const PADDING = 64;
