import { ADD_PARTITIONS_TO_TXN } from '../../wire/transactions.ts';
import { defineApi } from '../api.ts';
import { fencedFor, KAFKA_ERROR } from '../error_codes.ts';

/** Announces what the transaction will write to: all of the partitions, or none if one of them does not exist. */
export const addPartitionsToTxn = defineApi({
  ...ADD_PARTITIONS_TO_TXN,
  min_version: 0,
  max_version: 3,
  flexible_from: 3,
  async handle({ topics, ...producer }, { broker, version }) {
    const found = topics.flatMap(({ name, partitions }) =>
      partitions.map((partition) => broker.topics.partition(name, partition)),
    );
    const existing = found.filter((one) => one !== undefined);
    const all_exist = existing.length === found.length;
    const result = all_exist
      ? await broker.transactions.addPartitions(producer, existing)
      : KAFKA_ERROR.OPERATION_NOT_ATTEMPTED;
    const answer = (name: string, partition: number) => {
      const is_unknown = broker.topics.partition(name, partition) === undefined;
      const error_code = is_unknown ? KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION : fencedFor(result, version, 2);
      return { partition, error_code };
    };
    return {
      throttle_ms: 0,
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map((partition) => answer(name, partition)),
      })),
    };
  },
});
