/** Broken records among good ones: each is set aside with its reason, all are accounted for, and the good ones count. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it } from 'node:test';
import type { TopicRecord } from '../harness/read_topic.ts';
import { withRealKafka } from '../harness/real_kafka.ts';
import { type SourceName, TopologyRun } from '../harness/topology_run.ts';
import { type BrokenRecord, brokenRecords } from './broken_records.ts';
import { checkAddsUp, feed, lastWords, ruled, sentTo } from './last_words.ts';
import { type Batch, makeInput } from './made_input.ts';

const HOUR_MS = 3_600_000;
const FROM_MS = Date.UTC(2024, 2, 1, 6);
const SOURCES = ['predictions', 'feedback'] as const;
const CHANGES: [string[], string][] = [[['actors', 'stats', 'idle'], 'never']];
/** What the dead-letter topic keeps of a record. */
const KEPT_BYTES = 256 * 1024;

interface SentRecord extends BrokenRecord {
  source: SourceName;
  /** `topic/partition/offset`. */
  position: string;
}

it('sets broken records aside on the embedded broker', async (t) => {
  await check(await TopologyRun.embedded(t, { changes: CHANGES }));
});

it('sets broken records aside on Apache Kafka', async (t) => {
  const brokers = await withRealKafka(t);
  if (brokers === undefined) return;
  await t.test('body', async (inner) => {
    await check(await TopologyRun.prepare(inner, { brokers, own_names: true, changes: CHANGES }));
  });
});

async function check(run: TopologyRun): Promise<void> {
  await run.makeSources({ 'max.message.bytes': String(10 * 1024 * 1024) });
  await run.start();
  const good = withRepetitions(makeInput({ seed: 4, events: 400, windows: 3, batches: 2, from_ms: FROM_MS }));
  await feed(run, good[0]!);
  const sent = await sendBroken(run);
  await feed(run, good[1]!);
  await run.heartbeat(FROM_MS + 12 * HOUR_MS);
  await run.processor.settled();

  const { revisions: _, ...words } = await lastWords(run);
  assert.deepEqual(words, ruled(good));
  await checkDeadLetters(run, sent);
  for (const source of SOURCES) await checkLedger(run, source, good, sent);
}

/** Of the first batch all predictions are sent once more, and all feedback that has an `event_id`. */
function withRepetitions([first, second]: Batch[]): Batch[] {
  return [
    {
      predictions: [...first!.predictions, ...first!.predictions],
      feedback: [...first!.feedback, ...first!.feedback.filter(({ body }) => body.event_id !== undefined)],
    },
    second!,
  ];
}

/** One by one, to learn where each stands. */
async function sendBroken(run: TopologyRun): Promise<SentRecord[]> {
  const sent: SentRecord[] = [];
  for (const source of SOURCES) {
    for (const broken of brokenRecords(FROM_MS)) {
      const message = {
        key: keyOf(broken),
        // kafkajs would take minutes to hash a key of 2 MB.
        ...(broken.key === undefined ? {} : { partition: 1 }),
        value: broken.value,
        headers: { trace: `${source} ${broken.what}` },
      };
      const [place] = await run.produce(source, [message]);
      sent.push({
        ...broken,
        source,
        position: `${run.topic(source)}/${place!.partition}/${place!.baseOffset}`,
      });
    }
  }
  return sent;
}

async function checkDeadLetters(run: TopologyRun, sent: SentRecord[]): Promise<void> {
  const found = await run.read(run.plan.dead_letter_topic);
  const by_position = new Map(found.map((record) => [record.headers['errata.position'], record]));
  assert.equal(found.length, sent.length, 'one dead letter for each broken record');
  for (const broken of sent) {
    const letter = by_position.get(broken.position);
    assert.ok(letter, `no dead letter of ${broken.what} at ${broken.position}`);
    checkDeadLetter(letter, broken);
  }
}

function keyOf({ key, what }: BrokenRecord): string {
  return key ?? what;
}

function checkDeadLetter({ key, value, headers }: TopicRecord, broken: SentRecord): void {
  const { what, source } = broken;
  assert.equal(headers['errata.code'], broken.code, what);
  assert.ok(headers['errata.message']!.length > 10, `${what}: ${headers['errata.message']}`);
  assert.equal(headers['errata.source'], source, what);
  assert.equal(headers.trace, `${source} ${what}`);
  if (keyOf(broken).length > KEPT_BYTES) {
    assert.equal(key, null, what);
    assert.equal(
      headers['errata.key_sha256'],
      createHash('sha256').update(keyOf(broken)).digest('hex'),
      what,
    );
  } else assert.equal(key?.toString(), keyOf(broken), what);
  assert.equal(Number(headers['errata.size_bytes']), broken.value?.length ?? 0, what);
  if (broken.value !== null && broken.value.length > KEPT_BYTES) {
    assert.equal(value, null, what);
    assert.equal(headers['errata.sha256'], createHash('sha256').update(broken.value).digest('hex'), what);
  } else assert.deepEqual(value, broken.value, what);
}

async function checkLedger(
  run: TopologyRun,
  source: SourceName,
  good: readonly Batch[],
  broken: readonly SentRecord[],
): Promise<void> {
  const bad = broken.filter((record) => record.source === source).length;
  const ledger = await run.ledger(source, sentTo(good, source) + bad);
  checkAddsUp(source, ledger);
  assert.equal(ledger.dead_lettered, bad, source);
  assert.equal(ledger.duplicate, repetitions(good, source), source);
}

/** Records whose ids were there before. */
function repetitions(good: readonly Batch[], source: SourceName): number {
  const bodies = good.flatMap((batch) => batch[source].map(({ body }) => body));
  const ids = bodies.flatMap((body) => {
    if (source === 'predictions') return [body.prediction_id];
    return 'event_id' in body ? [`${body.prediction_id} ${body.event_id}`] : [];
  });
  return ids.length - new Set(ids).size;
}
