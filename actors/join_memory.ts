/** What the join in memory (wasm/join.ts) has to be told, once and before each turn of a source, and what it tells. */
import { bitsOf, fieldNamed } from '../messages/scan/fields.ts';
import { PADDING } from '../messages/scan/layout.ts';
import * as AT from './entries_layout.ts';
import { ENTRY_WORDS, sourceOfWord, sourceWord } from './join_entry.ts';
import { EVENT_PREFIX, PREDICTION_PREFIX, QUEUE_PREFIX, SEEN_MAX, WAITING_PREFIX } from './join_state.ts';
import type { RegionMemory } from './region_memory.ts';

/** Where the records of a source belong. */
export interface Home {
  partitioner: string;
  partitions: number;
  partition: number;
}

const WORDS: readonly [place: number, word: string][] = [
  [AT.PREDICTION_PREFIX, PREDICTION_PREFIX],
  [AT.QUEUE_PREFIX, QUEUE_PREFIX],
  [AT.FIRST_WAITING_PREFIX, `${WAITING_PREFIX}0|`],
  [AT.EVENT_OPENS, `${EVENT_PREFIX}["`],
  [AT.EVENT_FOLLOWS, '","'],
  [AT.EVENT_CLOSES, '"]'],
  [AT.EXPIRES, ENTRY_WORDS.EXPIRES],
  [AT.PREDICTED, ENTRY_WORDS.PREDICTED],
  [AT.OPENS_DEPLOYMENT, ENTRY_WORDS.OPENS_DEPLOYMENT],
  [AT.OPENS_MODEL, ENTRY_WORDS.OPENS_MODEL],
  [AT.OPENS_STATS, ENTRY_WORDS.OPENS_STATS],
  [AT.OPENS_LATENCY, ENTRY_WORDS.OPENS_LATENCY],
  [AT.OPENS_LOAD, ENTRY_WORDS.OPENS_LOAD],
  [AT.HAS_FEEDBACK, ENTRY_WORDS.HAS_FEEDBACK],
  [AT.OPENS_SEEN, ENTRY_WORDS.OPENS_SEEN],
  [AT.NEXT_SEEN, ENTRY_WORDS.NEXT_SEEN],
  [AT.CLOSES_SEEN, ENTRY_WORDS.CLOSES_SEEN],
];

const FIELDS: readonly [place: number, field: string][] = [
  [AT.PREDICTION_ID, 'prediction_id'],
  [AT.EVENT_ID, 'event_id'],
  [AT.DEPLOYMENT_ID, 'deployment_id'],
  [AT.MODEL_VERSION, 'model_version'],
  [AT.STATS_FIELD, 'input_stats'],
  [AT.LATENCY_FIELD, 'latency_ms'],
  [AT.LOAD_FIELD, 'server_load'],
];

/** What feedback says of itself, whatever its prediction says. */
const KEPT = ['prediction_id', 'event_id', 'rating', 'time_to_action'];

/** What became of records since the last time. */
interface JoinCounts {
  duplicates: number;
  pending: number;
  joins: number;
  /** By source, how many of its predictions got their first feedback. */
  answered: [source: string, predictions: number][];
}

export class JoinMemory {
  readonly memory: RegionMemory;
  readonly #home: Home;
  readonly #times: { wait_ms: number; keep_ms: number };
  /** Of the source, in this memory. */
  readonly #number: number;
  /** Of sources by number, as far as they were asked for. */
  readonly #names: string[] = [];

  constructor(memory: RegionMemory, source: string, home: Home, times: { wait_ms: number; keep_ms: number }) {
    this.memory = memory;
    this.#home = home;
    this.#times = times;
    this.#number = memory.int(AT.SOURCE_COUNT);
    if (this.#number === 0) this.#writeWords();
    if (this.has_room) this.#writeSource(source);
  }

  /** False: there are too many sources already. */
  get has_room(): boolean {
    return this.#number < AT.SOURCES_MAX;
  }

  /** The records that follow are of this source. */
  begin(): void {
    const memory = this.memory;
    memory.setInt(AT.IS_JOINED, 1);
    memory.setInt(AT.PARTITIONS, this.#home.partitions);
    memory.setInt(AT.PARTITION, this.#home.partition);
    memory.setInt(AT.SOURCE, this.#number);
    memory.setDouble(AT.WAIT_MS, this.#times.wait_ms);
    memory.setDouble(AT.KEEP_MS, this.#times.keep_ms);
  }

  takeCounts(): JoinCounts {
    const memory = this.memory;
    const counts: JoinCounts = {
      duplicates: memory.int(AT.DUPLICATES),
      pending: memory.int(AT.PENDING),
      joins: memory.int(AT.JOINS),
      answered: [],
    };
    for (const place of [AT.DUPLICATES, AT.PENDING, AT.JOINS]) memory.setInt(place, 0);
    for (let number = 0; number < memory.int(AT.SOURCE_COUNT); number++) {
      const at = this.#sourceAt(number) + 2;
      const predictions = memory.ints[at]!;
      if (predictions > 0) counts.answered.push([this.#nameOf(number), predictions]);
      memory.ints[at] = 0;
    }
    return counts;
  }

  #writeWords(): void {
    const memory = this.memory;
    for (const [place, word] of WORDS) this.#writeWord(place >> 2, word);
    for (const [place, field] of FIELDS) memory.setInt(place, fieldNamed(field));
    memory.setInt(AT.KEPT_FIELDS, bitsOf(KEPT));
    memory.setInt(AT.SEEN_MAX, SEEN_MAX);
    memory.setInt(AT.PREDICTED_AT, memory.allocate(AT.PREDICTED_MAX + PADDING));
  }

  #writeSource(source: string): void {
    this.#writeWord(this.#sourceAt(this.#number), sourceWord(source));
    this.memory.setInt(AT.SOURCE_COUNT, this.#number + 1);
  }

  /** Where it stands, and how long it is. */
  #writeWord(at: number, text: string): void {
    const bytes = Buffer.from(text);
    const start = this.memory.put(bytes);
    this.memory.ints[at] = start;
    this.memory.ints[at + 1] = bytes.length;
  }

  #sourceAt(number: number): number {
    return (AT.SOURCE_WORDS + number * AT.SOURCE_WORD_BYTES) >> 2;
  }

  /** Others have written theirs. */
  #nameOf(number: number): string {
    this.#names[number] ??= this.#readName(number);
    return this.#names[number];
  }

  #readName(number: number): string {
    const { ints, bytes } = this.memory;
    const at = this.#sourceAt(number);
    const start = ints[at]! >>> 0;
    return sourceOfWord(bytes.toString('utf8', start, start + ints[at + 1]!));
  }
}
