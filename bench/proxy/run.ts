/**
 * What the capture proxy adds to an inference: the same load direct and through it, in turn, with everything in
 * processes of their own. Afterwards every inference that went through must stand in the topic, and the median must be less than
 * 1 ms more, or the exit status is 1.
 */
import { join } from 'node:path';
import { program } from 'commander';
import { Kafka, logLevel } from 'kafkajs';
import { whole } from '../options.ts';
import { startNode } from '../processes.ts';
import { makeFolder, removeFolder } from '../temporary.ts';
import { cpuSeconds } from '../usage.ts';
import { latencies } from './load.ts';

const { rate, seconds, rounds, values } = program
  .option('--rate <number>', 'inferences per second', whole, 200)
  .option('--seconds <number>', 'of each turn', whole, 5)
  .option('--rounds <number>', 'turns of each', whole, 4)
  .option('--values <number>', 'numbers in a request', whole, 784)
  .parse()
  .opts<{ rate: number; seconds: number; rounds: number; values: number }>();

const ADDED_P50_MAX_MS = 1;

const folder = makeFolder('proxy');
const in_repository = (path: string) => join(import.meta.dirname, '../..', path);
const broker_process = await startNode(
  [in_repository('test/harness/broker_process.ts'), '0', folder],
  /^(\d+)$/m,
);
const broker = `127.0.0.1:${broker_process.said}`;
const admin = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).admin();
await admin.connect();
await admin.createTopics({ topics: [{ topic: 'predictions', numPartitions: 4 }] });

const model = await startNode([in_repository('bench/proxy/model.ts')], /^(\d+)$/m);
const direct = `http://127.0.0.1:${model.said}`;
const listen = ['--port', '0', '--admin-port', '0', '--log-level', 'warn'];
const command = ['proxy', '--upstream', direct, '--brokers', broker, ...listen];
const proxy = await startNode([in_repository('cli/errata.ts'), ...command], /^proxy on (\S+)/m);
const proxied = proxy.said;

const numbers = Array.from({ length: values }, (_, at) => (Math.sin(at) * 100).toFixed(4)).map(Number);
const body = JSON.stringify({ instances: [numbers] });
const took_ms: Record<string, number[]> = { direct: [], proxied: [] };
const path = '/v1/models/digits:predict';
let begun_cpu_s = 0;
// One turn each to warm up.
for (let round = -1; round < rounds; round++) {
  if (round === 0) begun_cpu_s = cpuSeconds(proxy.pid);
  for (const [name, url] of Object.entries({ direct, proxied })) {
    const measured = await latencies({ url: url + path, body, rate, seconds });
    if (round >= 0) took_ms[name]!.push(...measured);
  }
}

const sent = (rounds + 1) * rate * seconds;
const stands = async () => {
  const offsets = await admin.fetchTopicOffsets('predictions');
  return offsets.reduce((sum, { offset }) => sum + Number(offset), 0);
};
for (let wait = 0; wait < 50 && (await stands()) < sent; wait++) await new Promise((r) => setTimeout(r, 100));
const stood = await stands();
console.log(`${stood} of ${sent} inferences through the proxy stand in the topic`);

const quantile = (sorted: number[], share: number) => sorted[Math.floor(share * (sorted.length - 1))]!;
console.log(`\n${rate}/s, requests of ${body.length} bytes, ${rounds} × ${seconds} s each\n`);
console.log('| | p50, ms | p90, ms | p99, ms |\n|---|---:|---:|---:|');
const rows = Object.entries(took_ms).map(([name, all]) => {
  const sorted = all.toSorted((a, b) => a - b);
  return { name, quantiles: [0.5, 0.9, 0.99].map((share) => quantile(sorted, share)) };
});
const added = rows[1]!.quantiles.map((value, at) => value - rows[0]!.quantiles[at]!);
for (const { name, quantiles } of [...rows, { name: 'added', quantiles: added }])
  console.log(`| ${name} | ${quantiles.map((value) => value.toFixed(2)).join(' | ')} |`);

const cpu_s = cpuSeconds(proxy.pid) - begun_cpu_s;
const cpu_ms = (1_000 * cpu_s) / (rounds * rate * seconds);
console.log(`\n${cpu_ms.toFixed(2)} ms of CPU per inference, with publishing`);

const failures = [
  ...(stood < sent ? ['some are missing'] : []),
  ...(added[0]! < ADDED_P50_MAX_MS ? [] : [`the median is ${ADDED_P50_MAX_MS} ms more, or above`]),
];
for (const failure of failures) console.error(`FAILED: ${failure}`);
if (failures.length > 0) process.exitCode = 1;

await admin.disconnect();
for (const { stop } of [proxy, model, broker_process]) await stop();
removeFolder(folder);
