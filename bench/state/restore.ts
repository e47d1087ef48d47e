/**
 * How long a task takes to restore its state: `node bench/state/restore.ts [--keys 1000000]`.
 *
 * One task's changelog on Apache Kafka with so many predictions of the join, each once; restored into memory, into an
 * empty store on disk, and with the store that this made, as after a restart on the same disk.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import pino from 'pino';
import { connectKafka, createCluster, KAFKA_DEFAULTS } from '../../engine/kafka.ts';
import { LogReader, READER_DEFAULTS } from '../../engine/log_reader.ts';
import type { StatePlan } from '../../engine/plan.ts';
import { FORMAT_HEADER } from '../../engine/record_format.ts';
import { restoreState } from '../../engine/restore.ts';
import { STATE_FORMAT } from '../../engine/state.ts';
import { BenchKafka } from '../kafka.ts';

const CHANGELOG = 'bench.restore.changelog';
const SEND_RECORDS = 1_000;
const FROM_MS = Date.UTC(2026, 0, 1);

const { values } = parseArgs({ options: { keys: { type: 'string', default: '1000000' } } });
const keys = Number(values.keys);
const log = pino({ level: 'error' });

function entry(index: number) {
  const time_ms = FROM_MS + index;
  const predicted = {
    deployment_id: `deployment-${index % 50}`,
    model_version: 'v12',
    input_stats: { mean: (index % 1_000) / 1_000, std: 1.0625, min: -3.25, max: 4.5 },
    latency_ms: 10 + (index % 90),
  };
  return {
    partition: 0,
    key: `capture~/p|prediction-${(index * 2_654_435_761) % 4_294_967_296}-${index}`,
    value: JSON.stringify({ expires_ms: time_ms + 172_800_000, source: 'predictions', time_ms, predicted }),
    headers: { [FORMAT_HEADER]: STATE_FORMAT },
  };
}

async function writeChangelog(brokers: string): Promise<void> {
  const producer = new Kafka({ brokers: [brokers], logLevel: logLevel.ERROR }).producer();
  await producer.connect();
  for (let from = 0; from < keys; from += SEND_RECORDS) {
    const count = Math.min(SEND_RECORDS, keys - from);
    await producer.send({
      topic: CHANGELOG,
      messages: Array.from({ length: count }, (_, index) => entry(from + index)),
    });
  }
  await producer.disconnect();
}

async function measure(name: string, plan: StatePlan, brokers: string): Promise<void> {
  const settings = { ...KAFKA_DEFAULTS, brokers: [brokers], client_id: 'errata-bench' };
  const cluster = createCluster(connectKafka(settings, log), settings);
  const reader = new LogReader(cluster, READER_DEFAULTS, log);
  const before_mb = process.memoryUsage().heapUsed / 2 ** 20;
  const started_ms = performance.now();
  const state = await restoreState(
    plan,
    { changelog: CHANGELOG, partition: 0, cluster_id: 'bench' },
    { reader, now: Date.now, log, signal: new AbortController().signal, onProgress: () => undefined },
  );
  state.expiring('capture').get('p|none');
  const took_s = (performance.now() - started_ms) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  cpu = process.cpuUsage();
  globalThis.gc?.();
  const heap_mb = Math.round(process.memoryUsage().heapUsed / 2 ** 20 - before_mb);
  const cpu_s = ((user + system) / 1e6).toFixed(1);
  console.log(
    `${name}: ${took_s.toFixed(2)} s, ${cpu_s} s of CPU, heap +${heap_mb} MB, ${state.size} entries`,
  );
  await state.close();
  await reader.stop();
  await cluster.disconnect();
}

let cpu = process.cpuUsage();
const path = mkdtempSync(join(tmpdir(), 'errata-restore-'));
const kafka = await BenchKafka.start();
try {
  await kafka.admin.connect();
  await kafka.createTopic(CHANGELOG, 1);
  await writeChangelog(kafka.brokers);
  cpu = process.cpuUsage();
  await measure('memory', { store: 'memory' }, kafka.brokers);
  await measure('lmdb, empty disk', { store: 'lmdb', path }, kafka.brokers);
  await measure('lmdb, same disk', { store: 'lmdb', path }, kafka.brokers);
} finally {
  await kafka.stop();
  rmSync(path, { recursive: true, force: true });
}
