/**
 * The offsets that consumer groups have committed; durable, without regard to who is a member. Those committed in a
 * transaction are held back until it ends, and then count unless a later commit has come.
 */
import type { StatementSync } from 'node:sqlite';
import type { Database } from '../log/database.ts';

export interface CommittedOffset {
  topic: string;
  partition: number;
  committed_offset: number;
  leader_epoch: number;
  metadata: string | null;
}

interface HeldOffset extends CommittedOffset {
  group_id: string;
  position: number;
  is_superseded: 0 | 1;
}

const GROUPS = 'SELECT group_id FROM group_offsets UNION SELECT group_id FROM pending_offsets';

export class Offsets {
  readonly #db: Database;
  readonly #upsert: StatementSync;
  readonly #get: StatementSync;
  readonly #hold: StatementSync;
  readonly #held: StatementSync;
  /** How many offsets are held back, so that without any nothing is asked of the database. */
  #pending = 0;

  constructor(db: Database) {
    this.#db = db;
    this.#upsert = db.prepare('INSERT OR REPLACE INTO group_offsets VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.#get = db.prepare('SELECT * FROM group_offsets WHERE group_id = ? AND topic = ? AND partition = ?');
    this.#hold = db.prepare(
      `INSERT OR REPLACE INTO pending_offsets
         (producer_id, group_id, topic, partition, committed_offset, leader_epoch, metadata)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#held = db.prepare(
      'SELECT 1 FROM pending_offsets WHERE group_id = ? AND topic = ? AND partition = ?',
    );
    this.#count();
    db.afterRollback(() => this.#count());
  }

  /** Resolves when all of them are committed, together. */
  async commit(group_id: string, offsets: readonly CommittedOffset[]): Promise<void> {
    if (offsets.length === 0) return;
    await this.#db.write(() => {
      for (const offset of offsets) this.#commitOne(group_id, offset, Number.MAX_SAFE_INTEGER);
    });
  }

  /** Keeps offsets of a transaction apart until `decide`; resolves when that is durable. */
  async hold(producer_id: number, group_id: string, offsets: readonly CommittedOffset[]): Promise<void> {
    if (offsets.length === 0) return;
    await this.#db.write(() => {
      for (const { topic, partition, committed_offset, leader_epoch, metadata } of offsets) {
        this.#hold.run(producer_id, group_id, topic, partition, committed_offset, leader_epoch, metadata);
      }
      this.#count();
    });
  }

  /** Commits or drops what a producer's transaction held; to be called within a `Database.write`. */
  decide(producer_id: number, is_commit: boolean): void {
    const held = this.#db
      .prepare('DELETE FROM pending_offsets WHERE producer_id = ? RETURNING *')
      .all(producer_id);
    if (is_commit) {
      for (const row of held as unknown as HeldOffset[]) {
        if (!row.is_superseded) this.#commitOne(row.group_id, row, row.position);
      }
    }
    this.#count();
  }

  /** Whether a transaction that is still open has committed this offset. */
  isPending(group_id: string, topic: string, partition: number): boolean {
    return this.#pending > 0 && this.#held.get(group_id, topic, partition) !== undefined;
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
    const rows = this.#db.prepare(GROUPS).all();
    return rows.map((row) => row.group_id as string);
  }

  async delete(group_id: string): Promise<void> {
    await this.#db.write(() => {
      this.#db.prepare('DELETE FROM group_offsets WHERE group_id = ?').run(group_id);
      this.#db.prepare('DELETE FROM pending_offsets WHERE group_id = ?').run(group_id);
      this.#count();
    });
  }

  /** What was held before `position` for the same partition is out of date, however its transaction ends. */
  #commitOne(group_id: string, offset: CommittedOffset, position: number): void {
    const { topic, partition, committed_offset, leader_epoch, metadata } = offset;
    this.#upsert.run(group_id, topic, partition, committed_offset, leader_epoch, metadata, Date.now());
    if (this.#pending === 0) return;
    this.#db
      .prepare(
        `UPDATE pending_offsets SET is_superseded = 1
           WHERE group_id = ? AND topic = ? AND partition = ? AND position < ?`,
      )
      .run(group_id, topic, partition, position);
  }

  #count(): void {
    const row = this.#db.prepare('SELECT COUNT(*) AS pending FROM pending_offsets').get();
    this.#pending = row!.pending as number;
  }
}
