/**
 * A heartbeat is a record without key and value in every partition of a source's topic. Its header says, in
 * milliseconds, the event time before which nothing more follows in that partition.
 */
export const HEARTBEAT_HEADER = 'errata.heartbeat';
