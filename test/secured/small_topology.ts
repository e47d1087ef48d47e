/** A small topology whose results are known. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { KafkaSettings } from '../../engine/kafka_settings.ts';
import type { Assessment } from '../../messages/assessment.ts';
import type { SecuredKafka } from '../harness/secured_kafka.ts';
import { TopologyRun } from '../harness/topology_run.ts';

const FROM_MS = Date.UTC(2024, 2, 1, 6);
const WINDOW_MS = 300_000;
const EVENTS = [5, 7];
const SMALL: [string[], unknown][] = [
  [['workers'], 1],
  [['partitions'], 1],
  [['actors', 'stats', 'idle'], 'never'],
];

/** Fed over the listener where everything is allowed, run over the one that `access` says. */
export function smallTopology(
  t: TestContext,
  kafka: SecuredKafka,
  access: Partial<KafkaSettings>,
): Promise<TopologyRun> {
  return TopologyRun.prepare(t, { brokers: kafka.plaintext, own_names: true, changes: SMALL, kafka: access });
}

export async function runsExactly(
  t: TestContext,
  kafka: SecuredKafka,
  access: Partial<KafkaSettings>,
): Promise<void> {
  const run = await smallTopology(t, kafka, access);
  await run.start();
  await feedAndCheck(run);
  await run.stop();
}

/** Two windows with known counts and a record that is none: each exactly once. */
export async function feedAndCheck(run: TopologyRun): Promise<void> {
  const made = EVENTS.flatMap((count, window) =>
    Array.from({ length: count }, (_, index) => ({
      prediction_id: `p${window}-${index}`,
      timestamp: FROM_MS + window * WINDOW_MS + index,
      model_version: 'v1',
      deployment_id: 'd',
    })),
  );
  await run.produce(
    'predictions',
    made.map((prediction) => ({ value: JSON.stringify(prediction) })),
  );
  const said = { feedback_type: 'explicit', rating: 1 };
  const feedback = made.map(({ prediction_id, timestamp }) => ({ prediction_id, timestamp, ...said }));
  await run.produce('feedback', [
    { value: 'not JSON' },
    ...feedback.map((one) => ({ value: JSON.stringify(one) })),
  ]);
  await run.heartbeat(FROM_MS + 24 * 3_600_000);
  await run.processor.settled();
  const windows = await run.sink<Assessment>('patterns');
  assert.deepEqual(
    windows.map(({ total_events }) => total_events),
    EVENTS,
  );
  assert.equal((await run.read(run.plan.dead_letter_topic)).length, 1);
}
