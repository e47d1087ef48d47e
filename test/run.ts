/**
 * The test command: `npm test` runs every *.test.ts but those of the edges, which take minutes each for the real other sides that
 * they start or the time-outs that they wait for; `npm run test:edges` runs these; with filters (`npm test -- FILTER…`) those run whose path contains one. If one of
 * them uses test/harness/real_kafka.ts or both_brokers.ts, Kafka is started once and handed to all of them; programs
 * in Go that they use are built once before.
 */
import { spawn } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { goTool } from './harness/go_tool.ts';
import { realKafka } from './harness/real_kafka.ts';

/** Each has real servers, browsers or packages at the other end, which in `outages` are away for a while. */
const EDGES = ['connectors', 'deploy', 'outages', 'provision', 'proxy', 'pubsub', 'sdk', 'secured'].map(
  (name) => `test/${name}/`,
);
const filters = process.argv.slice(2);
const files = globSync('**/*.test.ts', { exclude: (name) => name === 'node_modules' || name === '.errata' })
  .filter((file) => isWanted(file))
  .sort();
if (files.length === 0) {
  console.error(`no test file matches ${filters.join(' ')}`);
  process.exit(1);
}

function isWanted(file: string): boolean {
  const is_edge = EDGES.some((folder) => file.startsWith(folder));
  if (filters.length === 0) return !is_edge;
  return filters.some((filter) => (filter === '--edges' ? is_edge : file.includes(filter)));
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
if (isNamed(/pubsub_fake(\.ts|')|errata_on_pubsub\.ts|contract_subjects\.ts/)) goTool('pubsub_fake');
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
