/**
 * What the published Python layer and client send, as they are, through one Pub/Sub subscription that carries both, some of it
 * delivered twice: each window is what the published rule makes of them.
 */
import assert from 'node:assert/strict';
import { Kafka, logLevel } from 'kafkajs';
import type { Assessment } from '../../messages/assessment.ts';
import { HEARTBEAT_HEADER } from '../../messages/heartbeat.ts';
import type { RuledWindow } from '../e2e/published_rule.ts';
import { onPubsubFake } from '../harness/pubsub_fake.ts';
import { hasPython } from '../harness/python.ts';
import { readTopic } from '../harness/read_topic.ts';
import { runTool } from '../harness/run_tool.ts';
import { until } from '../harness/until.ts';
import { runOnPubsub } from './errata_on_pubsub.ts';

const WINDOW_MS = 300_000;
const YAML = `
topology: published
partitions: 2
sources:
  events: { pubsub: { subscription: feedback-sub, ack_deadline: 10s, quiet: 1s }, topic: events }
actors:
  capture: { from: events, join: { wait: 1h } }
  stats: { kind: window, from: capture, by: [], over: all, tumbling: 5m, lateness: 1h, idle: never }
  severity: { from: stats, strategies: [threshold] }
sinks:
  patterns: { from: severity.assessments, kafka: { topic: patterns } }
`;

/** What test/sdk/published_client.py prints. */
interface Published {
  layer: string[];
  client: string[];
  broken: string;
  windows: Record<string, RuledWindow>;
}

interface Ledger {
  sources: Record<string, { taken_in: number; dispositions: Record<string, number>; sum_ok: boolean }>;
  sum_ok: boolean;
}

/** A heartbeat in each partition: nothing from before that comes any more, so that the windows need not wait for it. */
async function sayThatTimeIs(time_ms: number, brokers: string): Promise<void> {
  const producer = new Kafka({ brokers: [brokers], logLevel: logLevel.ERROR }).producer();
  await producer.connect();
  const headers = { [HEARTBEAT_HEADER]: String(time_ms) };
  const messages = [0, 1].map((partition) => ({ partition, value: null, headers }));
  await producer.send({ topic: 'events', messages });
  await producer.disconnect();
}

onPubsubFake(
  'what the published Python layer and client send comes in through Pub/Sub as it is, each once',
  async (fake, t) => {
    if (!hasPython(t)) return;
    const made: Published = JSON.parse(await runTool('python3', ['test/sdk/published_client.py']));
    const { layer, client, broken, windows } = made;
    const sent = [...layer, ...client, broken];
    const [topic] = await fake.client().createTopic('feedback');
    await topic.createSubscription('feedback-sub', { enableMessageOrdering: true });
    await fake.duplicateEvery(7);
    const errata = runOnPubsub(t, fake, YAML);
    await errata.ready();
    await Promise.all(sent.map((text) => topic.publishMessage({ data: Buffer.from(text) })));

    const isIn = ({ sources }: Ledger) => sources.events?.taken_in === sent.length;
    const { sources, sum_ok } = await errata.answer<Ledger>('/topologies/published/ledger', isIn);
    assert.ok(sum_ok);
    assert.equal(sources.events!.dispositions.unjoinable, layer.length, 'the layer gives no ids');
    assert.equal(sources.events!.dispositions.dead_lettered, 1, 'NaN is no JSON');
    const { passed_on, duplicate } = sources['events.ingest']!.dispositions;
    assert.equal(passed_on, sent.length);
    assert.ok(duplicate! > 0, 'some were delivered twice');

    const brokers = await errata.brokers();
    await sayThatTimeIs(Math.max(...Object.keys(windows).map(Number)) + WINDOW_MS, brokers);
    const lastSaid = async () => {
      const said = (await readTopic(brokers, 'patterns')).map(
        ({ value }) => JSON.parse(String(value)) as Assessment,
      );
      return new Map(said.map((each) => [String(Date.parse(each.window_start)), each]));
    };
    const total = async () =>
      [...(await lastSaid()).values()].reduce((sum, one) => sum + one.total_events, 0);
    await until(async () => (await total()) === layer.length + client.length, 'all stand in windows');
    const said = [...(await lastSaid())].map(([start, { total_events, error_rate, ...rest }]) => {
      const { patterns, severity, recommended_action } = rest;
      return [start, { total_events, error_rate, patterns, severity, recommended_action }];
    });
    assert.deepEqual(Object.fromEntries(said), windows);
    assert.ok(Object.values(windows).some(({ severity }) => severity === 'high'));
    const [letter] = await readTopic(brokers, 'published.dead-letter');
    assert.equal(String(letter!.value), broken);
  },
  120_000,
);
