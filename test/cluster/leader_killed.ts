/**
 * `npm run cluster`: on three brokers a topology runs exactly once and is fed, while each broker is killed in its turn
 * and started again. Each leads a third of everything: sources, internal topics, changelogs, __transaction_state and
 * __consumer_offsets. Every window must end with its count, and nothing is said twice.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Assessment } from '../../messages/assessment.ts';
import { BROKER_IDS } from '../harness/kafka_cluster.ts';
import { clusterFor } from '../harness/kafka_cluster_for.ts';
import { type SourceName, TopologyRun } from '../harness/topology_run.ts';
import { until } from '../harness/until.ts';

const FROM_MS = Date.UTC(2024, 2, 1, 6);
const WINDOW_MS = 300_000;
const EVENTS_PER_ROUND = 200;
const WINDOWS = 5;
const [DEPLOYMENT, VERSION] = ['mail', 'v1'];
const RUNS_AGAIN_WITHIN_MS = 60_000;

test('leaders are killed, and every window is exact', async (t) => {
  const cluster = await clusterFor(t);
  if (!cluster) return;
  const run = await TopologyRun.prepare(t, {
    brokers: cluster.brokers.join(','),
    own_names: true,
    changes: [
      [['replication'], BROKER_IDS.length],
      [['actors', 'stats', 'idle'], 'never'],
    ],
  });
  await run.start();
  const feed = new Feed(run);
  for (const id of BROKER_IDS) {
    await feed.round();
    await cluster.kill(id);
    await feed.round();
    await feed.isTakenIn();
    cluster.restart(id);
    await cluster.isWhole();
    t.diagnostic(`broker ${id} was killed and is back`);
  }
  await insist(() => run.heartbeat(FROM_MS + 24 * 3_600_000));
  await run.processor.settled();

  const said = await run.sink<Assessment>('patterns');
  const revisions = said.map((one) => `${nameOf(one)} ${one.revision}`);
  assert.equal(new Set(revisions).size, revisions.length, 'no revision is said twice');
  assert.deepEqual(lastCounts(said).sort(), feed.truth().sort());
});

function nameOf({ window_start, deployment_id, model_version }: Assessment): string {
  return `${window_start} ${deployment_id} ${model_version}`;
}

/** Events that came late, or before their prediction, made their windows be said again. */
function lastCounts(said: readonly Assessment[]): string[] {
  const last = new Map<string, Assessment>();
  for (const one of said)
    if (one.revision >= (last.get(nameOf(one))?.revision ?? 0)) last.set(nameOf(one), one);
  const counted = [...last.values()].filter(({ total_events }) => total_events > 0);
  return counted.map((one) => `${nameOf(one)} ${one.total_events}`);
}

class Feed {
  readonly #run: TopologyRun;
  #made = 0;

  constructor(run: TopologyRun) {
    this.#run = run;
  }

  /** A prediction and its feedback per event, which carry ids: an answer that got lost makes them be sent again. */
  async round(): Promise<void> {
    const ids = Array.from({ length: EVENTS_PER_ROUND }, () => this.#made++);
    const identity = { model_version: VERSION, deployment_id: DEPLOYMENT };
    await this.#send(
      'predictions',
      ids.map((n) => ({ prediction_id: `p${n}`, timestamp: timeOf(n), ...identity })),
    );
    const said = { feedback_type: 'explicit', rating: 1 };
    await this.#send(
      'feedback',
      ids.map((n) => ({ prediction_id: `p${n}`, event_id: `e${n}`, timestamp: timeOf(n), ...said })),
    );
  }

  /** With a broker away too, all that was fed is processed. */
  async isTakenIn(): Promise<void> {
    const taken = () => {
      const { feedback } = this.#run.processor.ledger();
      return (feedback?.taken_in ?? 0) >= this.#made;
    };
    await until(taken, `${this.#made} events are taken in`, RUNS_AGAIN_WITHIN_MS);
  }

  /** Each window and its events. */
  truth(): string[] {
    const counts = new Map<string, number>();
    for (let n = 0; n < this.#made; n++) {
      const start = new Date(Math.floor(timeOf(n) / WINDOW_MS) * WINDOW_MS).toISOString();
      counts.set(start, (counts.get(start) ?? 0) + 1);
    }
    return [...counts].map(([start, count]) => `${start} ${DEPLOYMENT} ${VERSION} ${count}`);
  }

  async #send(source: SourceName, records: object[]): Promise<void> {
    const messages = records.map((record) => ({ value: JSON.stringify(record) }));
    await insist(() => this.#run.produce(source, messages));
  }
}

function timeOf(n: number): number {
  return FROM_MS + (n % WINDOWS) * WINDOW_MS + n;
}

/** The client gives up sooner than the cluster finds new leaders. */
async function insist(send: () => Promise<unknown>): Promise<void> {
  let failure: unknown;
  await until(
    () =>
      send().then(
        () => true,
        (thrown) => {
          failure = thrown;
          return false;
        },
      ),
    'it can be sent',
    RUNS_AGAIN_WITHIN_MS,
  ).catch((cause) => {
    throw new Error(`not sent: ${failure}`, { cause });
  });
}
