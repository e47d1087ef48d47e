/** A thread of sources: all of one kind of a topology, which may so share a server or a client. */
import { parentPort, workerData } from 'node:worker_threads';
import type { BadRecord, SourceRecord } from '../actors/actor.ts';
import { ID_HEADER } from '../actors/dedupe.ts';
import { ErrataError } from '../messages/errata_error.ts';
import { partitionForKey } from '../wire/murmur2.ts';
import { refusedOutput } from './create_committer.ts';
import { type ConnectorModule, type IncomingRecord, importConnectors } from './edge.ts';
import type { OutputRecord } from './effects.ts';
import { connectKafka, createCluster } from './kafka.ts';
import { createLog } from './log.ts';
import type { SourcePlan } from './plan.ts';
import { Publisher } from './publisher.ts';
import { withoutFormat, writeDeadLetter } from './record_format.ts';
import { RecordProducer } from './record_producer.ts';
import type { FromSourceThread, SourceThreadInit, ToSourceThread } from './source_protocol.ts';
import { SourceRunner } from './source_runner.ts';

const STATUS_INTERVAL_MS = 500;
/** For what is under way, after the connectors have had their time. */
const PUBLISH_MAX_MS = 4_000;

const init = workerData as SourceThreadInit;
const { plan } = init;
const log = createLog(init.log_level).child({ topology: plan.topology });
const cluster = createCluster(connectKafka(init.kafka, log), init.kafka);
const producer = new RecordProducer(cluster, (record, refusal) => refusedOutput(plan, record, refusal));
const publisher = new Publisher((outbox) => producer.flush(outbox));
const connectors = (await importConnectors(init.connectors)) as ConnectorModule;
const runners = new Map(init.sources.map((source) => [source.name, runnerOf(source)]));

parentPort!.on('message', (message: ToSourceThread) => {
  if (message.type === 'pause') pause(message.sources);
  else void stop();
});
pause(init.paused_sources);
const telling = setInterval(tell, STATUS_INTERVAL_MS);
for (const runner of runners.values()) runner.start();
tell();

function tell(): void {
  const sources = [...runners.values()].map((runner) => runner.status());
  parentPort!.postMessage({ type: 'status', sources } satisfies FromSourceThread);
}

function pause(sources: readonly string[]): void {
  for (const [name, runner] of runners) runner.setPaused(sources.includes(name));
}

async function stop(): Promise<void> {
  const giving_up = setTimeout(() => publisher.stop(), PUBLISH_MAX_MS);
  await Promise.all([...runners.values()].map((runner) => runner.stop()));
  clearTimeout(giving_up);
  clearInterval(telling);
  publisher.stop();
  tell();
  await cluster.disconnect().catch(() => undefined);
  // Whatever a client leaves open must not keep the thread.
  process.exit();
}

function runnerOf(source: SourcePlan): SourceRunner {
  const { name, kind, config } = source;
  const partitions = plan.partitions[source.topic]!;
  let turn = 0;
  const spread = () => turn++ % partitions;
  return new SourceRunner({
    kind,
    place: { namespace: plan.namespace, topology: plan.topology, name },
    process_id: init.process_id,
    log: log.child({ source: name }),
    publish: async (records) =>
      publisher.publish(records.map((record) => outputOf(source, record, partitions, spread))),
    deadLetter: (record, reason) => publisher.publish([letterOf(source, record, reason)]),
    blocked: () => (publisher.blocked === null ? null : `Kafka: ${publisher.blocked}`),
    start: (ports) => connectors.startSource(kind, config, ports),
    onChanged: tell,
  });
}

/** Repetitions of a record go to one partition: that of its key, or, without one, of its id. */
function outputOf(
  { topic, name, deduplicated }: SourcePlan,
  { key, value, headers: given, timestamp_ms, id }: IncomingRecord,
  partitions: number,
  spread: () => number,
): OutputRecord {
  const headers = withoutFormat(given);
  if (deduplicated) {
    if (id === undefined) throw new ErrataError('E_SOURCE_CONTRACT', `source ${name}: a record without id`);
    headers[ID_HEADER] = id;
  }
  const placed_by = key ?? (deduplicated ? id! : null);
  const partition = placed_by === null ? spread() : partitionForKey(Buffer.from(placed_by), partitions);
  return { topic, partition, key, value, headers, ...(timestamp_ms === undefined ? {} : { timestamp_ms }) };
}

function letterOf({ name, topic }: SourcePlan, record: IncomingRecord, reason: BadRecord): OutputRecord {
  const { key, value, headers, timestamp_ms = Date.now() } = record;
  const [key_bytes, value_bytes] = [bytesOf(key), bytesOf(value)];
  const place: SourceRecord = {
    source: name,
    topic,
    partition: -1,
    offset: -1,
    timestamp_ms,
    key: key_bytes,
    value: value_bytes,
    headers,
  };
  const letters = plan.dead_letter_topic;
  const partition = key_bytes === null ? 0 : partitionForKey(key_bytes, plan.partitions[letters]!);
  return { topic: letters, partition, ...writeDeadLetter(place, reason) };
}

function bytesOf(data: Buffer | string | null): Buffer | null {
  return typeof data === 'string' ? Buffer.from(data) : data;
}
