/** Sends whole record batches to one partition, one request at a time, over a connection of its own. */
import { setTimeout as delay } from 'node:timers/promises';
import { RawClient } from '../test/harness/raw_client.ts';

/** Unknown partition, no leader, not the leader: the topic is new. */
const NO_LEADER_YET = new Set([3, 5, 6]);

interface ProduceAnswer {
  topics: { partitions: { error_code: number }[] }[];
}

export class BatchProducer {
  readonly #client: RawClient;
  readonly #topic: string;
  readonly #partition: number;
  #sent: Promise<void> = Promise.resolve();

  constructor(brokers: string, topic: string, partition: number) {
    this.#client = new RawClient(brokers);
    this.#topic = topic;
    this.#partition = partition;
  }

  /** Resolves when the broker has it. Batches are sent in the order of the calls. */
  send(records: Buffer): Promise<void> {
    this.#sent = this.#sent.then(() => this.#produce(records));
    return this.#sent;
  }

  async #produce(records: Buffer): Promise<void> {
    const topics = [{ name: this.#topic, partitions: [{ partition: this.#partition, records }] }];
    const request = { transactional_id: null, acks: -1, timeout_ms: 30_000, topics };
    for (let left = 100; ; left--) {
      const answer = await this.#client.call<ProduceAnswer>('Produce', 0, 7, request);
      const { error_code } = answer.topics[0]!.partitions[0]!;
      if (error_code === 0) return;
      if (!NO_LEADER_YET.has(error_code) || left === 0)
        throw new Error(`${this.#topic}/${this.#partition} was not written: ${error_code}`);
      await delay(50);
    }
  }

  close(): void {
    this.#client.end();
  }
}
