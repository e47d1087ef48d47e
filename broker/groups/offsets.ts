/** The offsets that consumer groups have committed; durable, without regard to who is a member. */
import type { StatementSync } from 'node:sqlite';
import type { Database } from '../log/database.ts';

export interface CommittedOffset {
  topic: string;
  partition: number;
  committed_offset: number;
  leader_epoch: number;
  metadata: string | null;
}

export class Offsets {
  readonly #db: Database;
  readonly #upsert: StatementSync;
  readonly #get: StatementSync;

  constructor(db: Database) {
    this.#db = db;
    this.#upsert = db.prepare('INSERT OR REPLACE INTO group_offsets VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.#get = db.prepare('SELECT * FROM group_offsets WHERE group_id = ? AND topic = ? AND partition = ?');
  }

  /** Resolves when all of them are committed, together. */
  async commit(group_id: string, offsets: readonly CommittedOffset[]): Promise<void> {
    if (offsets.length === 0) return;
    await this.#db.write(() => {
      for (const { topic, partition, committed_offset, leader_epoch, metadata } of offsets) {
        this.#upsert.run(group_id, topic, partition, committed_offset, leader_epoch, metadata, Date.now());
      }
    });
  }

  get(group_id: string, topic: string, partition: number): CommittedOffset | undefined {
    const row = this.#get.get(group_id, topic, partition);
    return row as unknown as CommittedOffset | undefined;
  }

  all(group_id: string): CommittedOffset[] {
    const rows = this.#db.prepare('SELECT * FROM group_offsets WHERE group_id = ? ORDER BY topic, partition');
    return rows.all(group_id) as unknown as CommittedOffset[];
  }

  groups(): string[] {
    const rows = this.#db.prepare('SELECT DISTINCT group_id FROM group_offsets').all();
    return rows.map((row) => row.group_id as string);
  }

  async delete(group_id: string): Promise<void> {
    await this.#db.write(() =>
      this.#db.prepare('DELETE FROM group_offsets WHERE group_id = ?').run(group_id),
    );
  }
}
