/** Other clients in transactions, on the embedded broker and on Apache Kafka: all tell the same story. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { onBothBrokers } from '../harness/both_brokers.ts';
import { kafkaJars } from '../harness/kafka_jars.ts';
import { librdkafka } from '../harness/librdkafka.ts';
import { runTool } from '../harness/run_tool.ts';

const IN_JAVA = join(import.meta.dirname, 'java/Transactions.java');
const IN_PYTHON = join(import.meta.dirname, 'python/transactions.py');

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
    const told = await runTool('java', [...options, IN_JAVA, scope.address, scope.name('')]);
    assert.equal(told, TOLD);
  },
  90_000,
);

onBothBrokers(
  'librdkafka consumes, produces and commits in transactions, aborts, and is fenced',
  async (scope, t) => {
    const modules = librdkafka(t);
    if (modules === undefined) return;
    const python = [`PYTHONPATH=${modules}`, 'python3', IN_PYTHON, scope.address, scope.name('')];
    assert.equal(await runTool('env', python), TOLD);
  },
  180_000,
);
