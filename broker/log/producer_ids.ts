/** Hands out producer ids, never one twice, also after a restart. */
import type { Database } from './database.ts';

export class ProducerIds {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async next(): Promise<number> {
    return this.#db.write(() => this.take());
  }

  /** To be called within a `Database.write`. */
  take(): number {
    const row = this.#db
      .prepare(
        `INSERT INTO meta VALUES ('next_producer_id', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value`,
      )
      .get();
    return Number(row!.value);
  }
}
