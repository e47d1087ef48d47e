/**
 * How many records a second the HTTP ingest takes, on the embedded broker: `errata run` in one process, requests in turn on
 * some connections from this one. Afterwards what was answered with 202 must stand in the topic. Fewer records a second than `--least`
 * are a failure.
 */
import http from 'node:http';
import { join } from 'node:path';
import { program } from 'commander';
import { Kafka, logLevel } from 'kafkajs';
import { freePort } from '../../test/harness/kafka_node.ts';
import { bodyOf } from '../../test/harness/model_server.ts';
import { whole } from '../options.ts';
import { startNode } from '../processes.ts';
import { makeFolder, removeFolder } from '../temporary.ts';
import { cpuSeconds } from '../usage.ts';

const { batch, connections, seconds, least } = program
  .option('--batch <number>', 'records of a request', whole, 100)
  .option('--connections <number>', 'that send at once', whole, 4)
  .option('--seconds <number>', 'of the measurement, after as many to warm up', whole, 10)
  .option('--least <number>', 'records per second', whole, 20_000)
  .parse()
  .opts<{ batch: number; connections: number; seconds: number; least: number }>();

const DISTINCT_BODIES = 50;

/** Some 310 bytes each, as in the race. */
function body(number: number): Buffer {
  const records = Array.from({ length: batch }, (_, at) => ({
    prediction_id: `prediction-${number}-${at}`,
    session_id: `session-${at}`,
    feedback_type: 'implicit',
    timestamp: 1_700_000_000_000 + at,
    user_action: 'click',
    time_to_action: at / 10,
    event_id: `8f14e45f-ceea-467f-9575-${number}-${at}`,
    deployment_id: 'spam-filter',
    model_version: 'v7',
    input_stats: { mean: at / 3, std: 1.5, min: -2, max: 9 },
  }));
  return Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''));
}

const root = join(import.meta.dirname, '../..');
const folder = makeFolder('ingest');
const port = await freePort();
const command = ['run', join(root, 'bench/topologies/ingest.yaml'), '--data', folder];
const options = ['--admin-port', '0', '--kafka-port', '0', '--log-level', 'warn'];
const errata = await startNode(
  [join(root, 'cli/errata.ts'), ...command, ...options],
  /embedded broker on (\S+),[\s\S]*topology ingest on/,
  { INGEST_PORT: String(port), KAFKA_BROKERS: '' },
);
const url = `http://127.0.0.1:${port}`;
while (
  !(await fetch(`${url}/health`).then(
    ({ ok }) => ok,
    () => false,
  ))
)
  await new Promise((r) => setTimeout(r, 100));

const bodies = Array.from({ length: DISTINCT_BODIES }, (_, number) => body(number));
const agent = new http.Agent({ keepAlive: true });
let accepted = 0;
let took_ms: number[] = [];
let is_over = false;

async function send(at: number): Promise<void> {
  const sent = bodies[at % bodies.length]!;
  const headers = { 'content-type': 'application/x-ndjson', 'content-length': sent.length };
  const begun_ms = performance.now();
  const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const request = http.request(`${url}/v1/feedback`, { agent, method: 'POST', headers }, resolve);
    request.once('error', reject).end(sent);
  });
  const told = (await bodyOf(answer)).toString();
  if (answer.statusCode !== 202) throw new Error(`answered with ${answer.statusCode}: ${told}`);
  took_ms.push(performance.now() - begun_ms);
  accepted += (JSON.parse(told) as { accepted: number }).accepted;
}

const lanes = Array.from({ length: connections }, async (_, lane) => {
  for (let at = lane; !is_over; at++) await send(at);
});
await new Promise((resolve) => setTimeout(resolve, 1_000 * seconds));
const before = { accepted, cpu_s: cpuSeconds(errata.pid), ms: performance.now() };
took_ms = [];
await new Promise((resolve) => setTimeout(resolve, 1_000 * seconds));
const [records, cpu_s] = [accepted - before.accepted, cpuSeconds(errata.pid) - before.cpu_s];
const sorted = took_ms.toSorted((a, b) => a - b);
const per_s = records / ((performance.now() - before.ms) / 1_000);
is_over = true;
await Promise.all(lanes);

const admin = new Kafka({ brokers: [errata.said], logLevel: logLevel.NOTHING }).admin();
await admin.connect();
const offsets = await admin.fetchTopicOffsets('feedback');
await admin.disconnect();
const stand = offsets.reduce((sum, { offset }) => sum + Number(offset), 0);
if (stand !== accepted) throw new Error(`${accepted} were accepted, ${stand} stand in the topic`);

const quantile = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!.toFixed(1);
const bytes = Math.round(bodies[0]!.length / batch);
console.log(
  `${connections} connections, ${batch} records of ${bytes} bytes in a request; all ${accepted} stand in the topic\n`,
);
console.log(
  '| records/s | p50 of a request, ms | p99, ms | CPU s per M records, with the broker |\n|---:|---:|---:|---:|',
);
console.log(
  `| ${Math.round(per_s)} | ${quantile(0.5)} | ${quantile(0.99)} | ${((1e6 * cpu_s) / records).toFixed(1)} |`,
);
if (per_s < least) {
  console.error(`FAILED: fewer than ${least} records/s`);
  process.exitCode = 1;
}

agent.destroy();
await errata.stop();
removeFolder(folder);
