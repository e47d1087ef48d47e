/** The topics and partitions of the broker: kept in memory, changed together with the database. */
import { ErrataError } from '../../messages/errata_error.ts';
import type { Database } from './database.ts';
import type { ProducerState } from './producer_states.ts';
import type { TopicConfigs } from './topic_config.ts';

/** Tables whose rows go with their partition. */
const OF_PARTITIONS = ['batches', 'producers', 'aborted_transactions', 'cleanings'];
const LEGAL_NAME = /^[a-zA-Z0-9._-]{1,249}$/;

export interface Partition {
  readonly partition_id: number;
  readonly partition: number;
  readonly topic: Topic;
  log_start_offset: number;
  /** Where the next batch goes; ahead of the high watermark while a write is not committed. */
  next_offset: number;
  /** All below it is committed and may be read. */
  high_watermark: number;
  /** All below it is decided; the high watermark as long as there are no open transactions. */
  last_stable_offset: number;
  /** The idempotent producers that have written here, by id. */
  readonly producers: Map<number, ProducerState>;
  /** Where the open transactions begin here, by producer id. */
  readonly open_transactions: Map<number, number>;
  /** Long-polling fetches, called when the high watermark moves or the partition goes. */
  readonly waiting: Set<() => void>;
}

export interface Topic {
  readonly topic_id: number;
  readonly name: string;
  configs: TopicConfigs;
  readonly partitions: Partition[];
}

/** Why a name cannot be that of a topic, or undefined. */
export function topicNameProblem(name: string): string | undefined {
  if (name === '.' || name === '..') return `Topic name is invalid: '.' and '..' are not allowed`;
  return LEGAL_NAME.test(name) ? undefined : `Topic name is invalid: ${name.slice(0, 260)}`;
}

export class Topics {
  readonly #db: Database;
  readonly #by_name = new Map<string, Topic>();
  readonly #by_id = new Map<number, Partition>();

  constructor(db: Database) {
    this.#db = db;
    this.#load();
    db.afterRollback(() => this.#load());
  }

  get(name: string): Topic | undefined {
    return this.#by_name.get(name);
  }

  partition(name: string, partition: number): Partition | undefined {
    return this.#by_name.get(name)?.partitions[partition];
  }

  byId(partition_id: number): Partition | undefined {
    return this.#by_id.get(partition_id);
  }

  all(): Topic[] {
    return [...this.#by_name.values()];
  }

  /** Kafka refuses names that differ only in `.` and `_`, because their metrics would be the same. */
  colliding(name: string): string | undefined {
    const plain = name.replaceAll('.', '_');
    for (const other of this.#by_name.keys()) if (other.replaceAll('.', '_') === plain) return other;
    return undefined;
  }

  /** The name must be legal and free. */
  async create(name: string, partitions: number, configs: TopicConfigs): Promise<Topic> {
    return this.#db.write(() => {
      const { lastInsertRowid } = this.#db
        .prepare('INSERT INTO topics (name, configs) VALUES (?, ?)')
        .run(name, JSON.stringify(configs));
      const topic: Topic = { topic_id: Number(lastInsertRowid), name, configs, partitions: [] };
      this.#addPartitions(topic, partitions);
      this.#by_name.set(name, topic);
      return topic;
    });
  }

  async grow(topic: Topic, partitions: number): Promise<void> {
    await this.#db.write(() => this.#addPartitions(topic, partitions));
  }

  async configure(topic: Topic, configs: TopicConfigs): Promise<void> {
    await this.#db.write(() => {
      this.#db
        .prepare('UPDATE topics SET configs = ? WHERE topic_id = ?')
        .run(JSON.stringify(configs), topic.topic_id);
      topic.configs = configs;
    });
  }

  /** Removes the topic with its records and with what groups have committed for it. */
  async delete(topic: Topic): Promise<void> {
    await this.#db.write(() => {
      const { topic_id, name } = topic;
      for (const table of OF_PARTITIONS) {
        const partitions = 'SELECT partition_id FROM partitions WHERE topic_id = ?';
        this.#db.prepare(`DELETE FROM ${table} WHERE partition_id IN (${partitions})`).run(topic_id);
      }
      this.#db.prepare('DELETE FROM partitions WHERE topic_id = ?').run(topic_id);
      this.#db.prepare('DELETE FROM topics WHERE topic_id = ?').run(topic_id);
      this.#db.prepare('DELETE FROM group_offsets WHERE topic = ?').run(name);
      this.#db.prepare('DELETE FROM pending_offsets WHERE topic = ?').run(name);
      this.#by_name.delete(name);
      for (const { partition_id } of topic.partitions) this.#by_id.delete(partition_id);
    });
    for (const partition of topic.partitions) for (const wake of [...partition.waiting]) wake();
  }

  #addPartitions(topic: Topic, partitions: number): void {
    const insert = this.#db.prepare(
      'INSERT INTO partitions (topic_id, partition, log_start_offset, next_offset) VALUES (?, ?, 0, 0)',
    );
    for (let partition = topic.partitions.length; partition < partitions; partition++) {
      const { lastInsertRowid } = insert.run(topic.topic_id, partition);
      this.#add(newPartition(topic, Number(lastInsertRowid), partition, 0, 0));
    }
  }

  #add(partition: Partition): void {
    partition.topic.partitions.push(partition);
    this.#by_id.set(partition.partition_id, partition);
  }

  #load(): void {
    this.#by_name.clear();
    this.#by_id.clear();
    const by_id = new Map<number, Topic>();
    for (const row of this.#db.prepare('SELECT * FROM topics ORDER BY topic_id').all()) {
      const configs = JSON.parse(row.configs as string) as TopicConfigs;
      const topic: Topic = {
        topic_id: row.topic_id as number,
        name: row.name as string,
        configs,
        partitions: [],
      };
      by_id.set(topic.topic_id, topic);
      this.#by_name.set(topic.name, topic);
    }
    const rows = this.#db.prepare(
      `SELECT p.*, (SELECT last_offset + 1 FROM batches b WHERE b.partition_id = p.partition_id
         ORDER BY base_offset DESC LIMIT 1) AS end_offset FROM partitions p ORDER BY topic_id, partition`,
    );
    for (const row of rows.all() as Record<string, number>[]) {
      const topic = by_id.get(row.topic_id!);
      if (topic === undefined)
        throw new ErrataError('E_DATA_DIR', `partition ${row.partition_id} has no topic`);
      const end = Math.max(row.next_offset!, row.end_offset ?? 0);
      this.#add(newPartition(topic, row.partition_id!, row.partition!, row.log_start_offset!, end));
    }
  }
}

function newPartition(
  topic: Topic,
  partition_id: number,
  partition: number,
  start: number,
  end: number,
): Partition {
  return {
    partition_id,
    partition,
    topic,
    log_start_offset: start,
    next_offset: end,
    high_watermark: end,
    last_stable_offset: end,
    producers: new Map(),
    open_transactions: new Map(),
    waiting: new Set(),
  };
}
