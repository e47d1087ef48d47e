import { TXN_OFFSET_COMMIT } from '../../wire/transactions.ts';
import { defineApi } from '../api.ts';
import { fencedFor, KAFKA_ERROR } from '../error_codes.ts';
import { offsetProblem } from './offset_commit.ts';

/** Commits offsets of a group with the transaction; they count when it is committed. */
export const txnOffsetCommit = defineApi({
  ...TXN_OFFSET_COMMIT,
  min_version: 0,
  max_version: 3,
  flexible_from: 3,
  async handle({ group_id, generation_id, member_id, topics, ...rest }, { broker }) {
    const { transactional_id, producer_id, producer_epoch } = rest;
    const producer = { transactional_id, producer_id, producer_epoch };
    const problem =
      (group_id === '' ? KAFKA_ERROR.INVALID_GROUP_ID : KAFKA_ERROR.NONE) ||
      fencedFor(broker.transactions.offsetsProblem(producer, group_id), 0, 1) ||
      broker.groups.commitProblem(group_id, generation_id, member_id, true);
    const checked = topics.flatMap(({ name: topic, partitions }) =>
      partitions.map((one) => ({ ...one, topic, error_code: problem || offsetProblem(broker, topic, one) })),
    );
    const valid = checked.filter(({ error_code }) => error_code === KAFKA_ERROR.NONE);
    await broker.transactions.holdOffsets(producer, group_id, valid);
    return {
      throttle_ms: 0,
      topics: topics.map(({ name }) => ({ name, partitions: checked.filter(({ topic }) => topic === name) })),
    };
  },
});
