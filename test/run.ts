/**
 * The test command: `npm test [-- FILTER…]` runs every *.test.ts, or those whose path contains a filter. If one of
 * them uses test/harness/real_kafka.ts or both_brokers.ts, Kafka is started once and handed to all of them; programs
 * in Go that they use are built once before.
 */
import { spawn } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { goTool } from './harness/go_tool.ts';
import { realKafka } from './harness/real_kafka.ts';

const filters = process.argv.slice(2);
const files = globSync('**/*.test.ts', { exclude: (name) => name === 'node_modules' || name === '.errata' })
  .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
  .sort();
if (files.length === 0) {
  console.error(`no test file matches ${filters.join(' ')}`);
  process.exit(1);
}

/** In one of the files. */
function isNamed(module: RegExp): boolean {
  return files.some((file) => module.test(readFileSync(file, 'utf8')));
}

/** Kafka for the files that need one, the environment that tells them, and how to end it. */
async function sharedKafka(): Promise<{ env: NodeJS.ProcessEnv; stop: () => Promise<void> }> {
  if (!isNamed(/harness\/(real_kafka|both_brokers)\.ts/)) return { env: {}, stop: async () => {} };
  const kafka = await realKafka();
  if ('brokers' in kafka) return { env: { ERRATA_TEST_KAFKA: kafka.brokers }, stop: kafka.stop };
  return { env: { ERRATA_NO_KAFKA: kafka.missing }, stop: async () => {} };
}

// Where it cannot be built, each test that needs it says why.
if (isNamed(/pubsub_fake\.ts|errata_on_pubsub\.ts|contract_subjects\.ts/)) goTool('pubsub_fake');
if (isNamed(/infra_tools/)) goTool('infra_tools');
const { env, stop } = await sharedKafka();
const child = spawn(process.execPath, ['--test', '--test-concurrency=2', '--test-timeout=240000', ...files], {
  stdio: 'inherit',
  env: { KAFKAJS_NO_PARTITIONER_WARNING: '1', ...process.env, ...env, NODE_NO_WARNINGS: '1' },
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
child.once('exit', async (code) => {
  await stop();
  process.exit(code ?? 1);
});
