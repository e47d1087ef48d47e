/** The Java clients of Apache Kafka 4.1 in transactions, on the embedded broker and on Apache Kafka: the same story. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { onBothBrokers } from '../harness/both_brokers.ts';
import { kafkaJars } from '../harness/kafka_jars.ts';
import { runTool } from '../harness/run_tool.ts';

const STORY = join(import.meta.dirname, 'java/Transactions.java');

const TOLD = `committed 4
the zombie is fenced
read_committed 0 kept of in 0
read_committed 6 kept of the second
read_uncommitted 0 kept of in 0
read_uncommitted 2 void
read_uncommitted 4 of the zombie
read_uncommitted 6 kept of the second
`;

onBothBrokers(
  'the Java clients consume, produce and commit in transactions, abort, and are fenced',
  async (scope, t) => {
    const jars = kafkaJars();
    if ('missing' in jars) {
      if (process.env.CI === 'true') throw new Error(jars.missing);
      console.error(`SKIPPED: ${t.name}: ${jars.missing}`);
      return t.skip(jars.missing);
    }
    const options = ['-XX:TieredStopAtLevel=1', '-cp', join(jars.folder, '*')];
    const told = await runTool('java', [...options, STORY, scope.address, scope.name('')]);
    assert.equal(told, TOLD);
  },
  90_000,
);
