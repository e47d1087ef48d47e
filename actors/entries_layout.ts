/**
 * Where a map of entries lies in memory, in bytes (entries.ts), and what a join of records goes by (join.ts): behind the columns
 * of windows. Regions are as in columns_layout.ts.
 */

/** A hash table: number of an entry + 1 (0: free) and its hash, per place. Its room is a power of two. */
export const ENTRY_PLACES = 0x2e00;
export const ENTRY_PLACE_BYTES = 8;
export const ENTRIES = 0x2e0c;
/** Numbers of entries: those that were changed, those that were added by a join, those that are free. As much room as there are entries. */
export const CHANGED = 0x2e18;
export const ADDED = 0x2e24;
export const FREE_ENTRIES = 0x2e30;
/** Pages in which the bytes of entries lie. */
export const ARENA = 0x2e3c;
/** Begins with what all keys begin with; the key that is asked for stands there. */
export const SCRATCH = 0x2e48;
/** How many bytes that is. */
export const PREFIX_BYTES = 0x2e54;
export const ENTRY_SEED = 0x2e58;
/** Entries that can be found. */
export const ENTRY_COUNT = 0x2e5c;
/** Number of the page that is being filled + 1, where it goes on, and the first of those that are free + 1. */
export const OPEN_PAGE = 0x2e60;
export const OPEN_AT = 0x2e64;
export const FREE_PAGES = 0x2e68;
/** Where the counts of entries by the first byte of their key stand (256 u32). */
export const FIRST_BYTES = 0x2e6c;

/** Of an entry: its hash, page, where its key begins, with its value behind it, how long both are, what is noted of it (i32), when it expires (f64). */
export const ENTRY_BYTES_EACH = 32;
export const ENTRY_PAGE = 4;
export const ENTRY_AT = 8;
export const ENTRY_KEY_BYTES = 12;
export const ENTRY_VALUE_BYTES = 16;
export const ENTRY_NOTES = 20;
export const ENTRY_EXPIRES_MS = 24;
/** Notes: bits, and above them a mark. */
export const IS_CHANGED = 1;
export const IS_GONE = 2;
export const MARK_SHIFT = 2;

/** Of a page: where it begins, how many bytes it has, how many of them are in use, the next free page + 1. */
export const PAGE_BYTES_EACH = 16;
export const PAGE_SIZE = 4;
export const PAGE_LIVE = 8;
export const PAGE_NEXT = 12;
/** Behind the last entry of a page: copies write ahead. */
export const PAGE_PADDING = 16;

/** 1: records are joined before they are counted. */
export const IS_JOINED = 0x2e70;
/** Of the topic, and the one in which the records stand. */
export const PARTITIONS = 0x2e74;
export const PARTITION = 0x2e78;
/** Number of the records' source. */
export const SOURCE = 0x2e7c;
export const WAIT_MS = 0x2e80;
export const KEEP_MS = 0x2e88;
/** What became of them (i32). */
export const DUPLICATES = 0x2e90;
export const PENDING = 0x2e94;
export const JOINS = 0x2e98;
export const SOURCE_COUNT = 0x2e9c;
/** Per source what stands in its entries between the times: where and how long; and how many of its predictions got their first feedback. */
export const SOURCE_WORDS = 0x2ea0;
export const SOURCE_WORD_BYTES = 12;
export const SOURCES_MAX = 8;
/** Pieces of an entry's JSON and of keys: where each stands, and how long it is (i32). */
export const PREDICTION_PREFIX = 0x2f00;
export const QUEUE_PREFIX = 0x2f08;
export const FIRST_WAITING_PREFIX = 0x2f10;
export const EVENT_OPENS = 0x2f18;
export const EVENT_FOLLOWS = 0x2f20;
export const EVENT_CLOSES = 0x2f28;
export const EXPIRES = 0x2f30;
export const PREDICTED = 0x2f38;
export const OPENS_DEPLOYMENT = 0x2f40;
export const OPENS_MODEL = 0x2f48;
export const OPENS_STATS = 0x2f50;
export const OPENS_LATENCY = 0x2f58;
export const OPENS_LOAD = 0x2f60;
export const HAS_FEEDBACK = 0x2f68;
export const OPENS_SEEN = 0x2f70;
export const NEXT_SEEN = 0x2f78;
export const CLOSES_SEEN = 0x2f80;
/** Numbers of fields (i32). */
export const PREDICTION_ID = 0x2f90;
export const EVENT_ID = 0x2f94;
export const DEPLOYMENT_ID = 0x2f98;
export const MODEL_VERSION = 0x2f9c;
export const STATS_FIELD = 0x2fa0;
export const LATENCY_FIELD = 0x2fa4;
export const LOAD_FIELD = 0x2fa8;
/** Bits of fields that feedback keeps when it takes over the others from its prediction. */
export const KEPT_FIELDS = 0x2fac;
/** Where what was predicted is put to be read, and how many bytes it may have there. */
export const PREDICTED_AT = 0x2fb0;
export const PREDICTED_MAX = 4096;
/** More events are not kept with a prediction. */
export const SEEN_MAX = 0x2fb4;
/** Of the entry for which there was to be room. */
export const NEEDED_BYTES = 0x2fb8;
