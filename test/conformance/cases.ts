/** All cases of the conformance suite. */
import { compaction } from './cases/compaction.ts';
import { configs } from './cases/configs.ts';
import { fencing } from './cases/fencing.ts';
import { fetch } from './cases/fetch.ts';
import { groups } from './cases/groups.ts';
import { idempotence } from './cases/idempotence.ts';
import { offsets } from './cases/offsets.ts';
import { produceConsume } from './cases/produce_consume.ts';
import { produceErrors } from './cases/produce_errors.ts';
import { topics } from './cases/topics.ts';
import { transactions } from './cases/transactions.ts';
import type { ConformanceCase } from './conformance_case.ts';

export const CASES: readonly ConformanceCase[] = [
  ...produceConsume,
  ...produceErrors,
  ...fetch,
  ...offsets,
  ...topics,
  ...configs,
  ...groups,
  ...idempotence,
  ...transactions,
  ...fencing,
  ...compaction,
];
