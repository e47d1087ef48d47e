import { entryOf } from '../messages/entry_of.ts';
import { BUNDLE_HEADERS } from './record_format.ts';

/** What a task wants to write, gathered until its next commit. */
export interface OutputRecord {
  topic: string;
  partition: number;
  key: Buffer | string | null;
  value: Buffer | string | null;
  headers: Record<string, string>;
  /** Absent: the time of writing. */
  timestamp_ms?: number;
}

/** So much JSON goes into one record of a bundle. */
const BUNDLE_MAX_CHARACTERS = 128 * 1024;

export class Effects {
  #outputs: OutputRecord[] = [];
  /** Pieces of JSON for the same partition go into one record. */
  #bundled: { topic: string; partition: number; json: string }[] = [];
  readonly #mark = { outputs: 0, bundled: 0 };

  get count(): number {
    return this.#outputs.length + this.#bundled.length;
  }

  /** Copies the bytes of key and value, which may lie in memory that is used again. */
  write(record: OutputRecord): void {
    const { key, value } = record;
    const has_bytes = Buffer.isBuffer(key) || Buffer.isBuffer(value);
    this.#outputs.push(has_bytes ? { ...record, key: copied(key), value: copied(value) } : record);
  }

  /** To be an element of the JSON array that a record of the partition holds. */
  bundle(topic: string, partition: number, json: string): void {
    this.#bundled.push({ topic, partition, json });
  }

  checkpoint(): void {
    this.#mark.outputs = this.#outputs.length;
    this.#mark.bundled = this.#bundled.length;
  }

  /** Takes back what was written since the checkpoint. */
  undo(): void {
    this.#outputs.length = this.#mark.outputs;
    this.#bundled.length = this.#mark.bundled;
  }

  take(): OutputRecord[] {
    const outputs = [...this.#outputs, ...this.#takeBundles()];
    this.#outputs = [];
    this.checkpoint();
    return outputs;
  }

  #takeBundles(): OutputRecord[] {
    const records: OutputRecord[] = [];
    // By topic and partition, without a name for each: there are tens of thousands of pieces.
    const open = new Map<string, Map<number, Bundle>>();
    for (const { topic, partition, json } of this.#bundled) {
      const bundles = entryOf(open, topic, () => new Map<number, Bundle>());
      const bundle = entryOf(bundles, partition, () => new Bundle(topic, partition));
      bundle.add(json);
      if (bundle.characters < BUNDLE_MAX_CHARACTERS) continue;
      records.push(bundle.record());
      bundles.delete(partition);
    }
    this.#bundled = [];
    for (const bundles of open.values()) for (const bundle of bundles.values()) records.push(bundle.record());
    return records;
  }
}

class Bundle {
  readonly #topic: string;
  readonly #partition: number;
  readonly #pieces: string[] = [];
  characters = 0;

  constructor(topic: string, partition: number) {
    this.#topic = topic;
    this.#partition = partition;
  }

  add(json: string): void {
    this.#pieces.push(json);
    this.characters += json.length;
  }

  record(): OutputRecord {
    const value = `[${this.#pieces.join(',')}]`;
    return { topic: this.#topic, partition: this.#partition, key: null, value, headers: BUNDLE_HEADERS };
  }
}

function copied(field: Buffer | string | null): Buffer | string | null {
  return Buffer.isBuffer(field) ? Buffer.from(field) : field;
}
