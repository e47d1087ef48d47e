/**
 * Where things lie in the memory of the scanner, in bytes. Whoever instantiates it reads these from its exports.
 */

/** What is known of fields, by number: how each is read (u8), the least and the most it may be (f64). */
export const READINGS: i32 = 0x400;
export const LEAST: i32 = 0x500;
export const MOST: i32 = 0x600;

/** What was read, by field: where its value stands (i32), and its number (f64). */
export const STARTS: i32 = 0x700;
export const ENDS: i32 = 0x780;
export const NUMBERS: i32 = 0x800;
/** By statistic (f64). */
export const STATS: i32 = 0x900;
/** One bit per field, or statistic, that is there and not null. */
export const SAID: i32 = 0x940;
export const SAID_STATS: i32 = 0x944;
/** 1: so it is. */
export const IS_EXPLICIT: i32 = 0x948;
/** PREDICTION or FEEDBACK. */
export const KIND: i32 = 0x94c;
/** Event time, milliseconds since the epoch (f64). */
export const TIME_MS: i32 = 0x950;

/** Bits of fields: those that only one kind has, and those that it must have. */
export const ONLY_FEEDBACK: i32 = 0x960;
export const ONLY_PREDICTION: i32 = 0x964;
export const NEEDED_BY_FEEDBACK: i32 = 0x968;
export const NEEDED_BY_PREDICTION: i32 = 0x96c;
/** Bits of statistics. */
export const NEEDED_STATS: i32 = 0x970;
/** The first and the last time that there is (f64). */
export const FIRST_TIME_MS: i32 = 0x978;
export const LAST_TIME_MS: i32 = 0x980;

/** Keys of records, of statistics, and those that no object may have (keys.ts). */
export const FIELD_KEYS: i32 = 0x1000;
export const STAT_KEYS: i32 = 0x2000;
export const UNSAFE_KEYS: i32 = 0x2800;

/** Of a table of keys: how many, and key → which one came after it the last time (u8). */
export const KEY_COUNT: i32 = 0;
export const NEXT_KEYS: i32 = 16;
export const KEY_ENTRIES: i32 = 128;
/** Of an entry: how long the word is, its bytes, and as many with all bits set. */
export const ENTRY_BYTES: i32 = 80;
export const ENTRY_WORD: i32 = 16;
export const ENTRY_MASK: i32 = 48;
export const WORD_MAX_BYTES: i32 = 32;

/** The compiler's own data are below. */
export const INPUT: i32 = 0x4000;
/** What is read beyond the input, and never looked at. */
export const PADDING: i32 = 64;
