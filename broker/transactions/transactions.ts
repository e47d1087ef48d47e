/** The transactional ids and their transactions: kept in memory and in the database, changed together. */
import type { StatementSync } from 'node:sqlite';
import type { Database } from '../log/database.ts';
import type { Topics } from '../log/topics.ts';
import { newTransaction, type Transaction, type TransactionState } from './transaction.ts';

export class Transactions {
  readonly #topics: Topics;
  readonly #by_id = new Map<string, Transaction>();
  readonly #rows: StatementSync;
  readonly #upsert: StatementSync;
  readonly #expired: StatementSync;

  constructor(db: Database, topics: Topics) {
    this.#topics = topics;
    this.#rows = db.prepare('SELECT * FROM transactions');
    this.#upsert = db.prepare('INSERT OR REPLACE INTO transactions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#expired = db.prepare(
      `DELETE FROM transactions WHERE updated_ms < ? AND state <> 'ongoing' RETURNING transactional_id`,
    );
    this.#load();
    db.afterRollback(() => this.#load());
  }

  get(transactional_id: string): Transaction | undefined {
    return this.#by_id.get(transactional_id);
  }

  all(): Transaction[] {
    return [...this.#by_id.values()];
  }

  /** Keeps what was changed; to be called within a `Database.write`. */
  save(transaction: Transaction): void {
    this.#by_id.set(transaction.transactional_id, transaction);
    const partitions = [...transaction.partitions].map(({ partition_id }) => partition_id);
    this.#upsert.run(
      transaction.transactional_id,
      transaction.producer_id,
      transaction.producer_epoch,
      transaction.last_epoch,
      transaction.timeout_ms,
      transaction.state,
      transaction.started_ms,
      Date.now(),
      JSON.stringify(partitions),
      JSON.stringify([...transaction.groups]),
    );
  }

  /** Forgets ids that were not used since `before_ms`. */
  expire(before_ms: number): void {
    for (const row of this.#expired.all(before_ms)) this.#by_id.delete(row.transactional_id as string);
  }

  #load(): void {
    this.#by_id.clear();
    for (const row of this.#rows.all()) {
      const transaction = newTransaction(row.transactional_id as string, row.producer_id as number);
      transaction.producer_epoch = row.producer_epoch as number;
      transaction.last_epoch = row.last_epoch as number;
      transaction.timeout_ms = row.timeout_ms as number;
      transaction.state = row.state as TransactionState;
      transaction.started_ms = row.started_ms as number;
      for (const id of JSON.parse(row.partitions as string) as number[]) {
        const partition = this.#topics.byId(id);
        if (partition !== undefined) transaction.partitions.add(partition);
      }
      for (const group of JSON.parse(row.groups as string) as string[]) transaction.groups.add(group);
      this.#by_id.set(transaction.transactional_id, transaction);
    }
  }
}
