import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TaskStatus } from '../engine/task.ts';
import { CONNECTOR_METRICS } from './connector_metrics.ts';
import type { Reading, Sample } from './metric_spec.ts';
import { Metrics } from './metrics.ts';
import { FakeTopology } from './testing.ts';

test('a source connector tells whether it works, what waits, and how often it failed', async () => {
  const topology = new FakeTopology();
  const source = { kind: 'pubsub', restarts: 1, records: 7, dead_letters: 0, failures: 3 };
  topology.sources = [
    { ...source, source: 'feedback', phase: 'running', reason: null, lag: 5 },
    { ...source, source: 'predictions', phase: 'failing', reason: 'the stream is cut', lag: null },
  ];
  const text = await new Metrics(new Map([['feedback', topology]])).render();
  const value = (name: string, source: string) =>
    new RegExp(
      `^errata_source_connector_${name}{topology="feedback",source="${source}",kind="pubsub"} (.*)$`,
      'm',
    ).exec(text)?.[1];
  assert.deepEqual([value('ready', 'feedback'), value('ready', 'predictions')], ['1', '0']);
  assert.deepEqual(
    [value('waiting_records', 'feedback'), value('waiting_records', 'predictions')],
    ['5', undefined],
  );
  assert.deepEqual([value('records_total', 'feedback'), value('failures_total', 'feedback')], ['7', '3']);
});

test('a sink is ready when all of its tasks here write; one without tasks here is not told of', () => {
  const { plan } = new FakeTopology();
  const sink = (name: string) => ({ name, kind: 'webhook', config: {} });
  const stage = { kind: 'sink' as const, inputs: [], actors: [] };
  const stages = [
    { ...stage, name: 'hook.out', sink: sink('hook') },
    { ...stage, name: 'elsewhere.out', sink: sink('elsewhere') },
  ];
  const task = (partition: number, reason: string | null, failures: number) =>
    ({
      task: `hook.out/${partition}`,
      phase: reason ? 'waiting' : 'running',
      reason,
      failures,
    }) as TaskStatus;
  const read = (name: string, ...tasks: TaskStatus[]): Sample[] => {
    const status = { ...new FakeTopology().status(), workers: [{ tasks }] };
    return CONNECTOR_METRICS[name]!.read({ plan: { ...plan, stages }, status } as unknown as Reading);
  };
  const [well, stuck] = [task(0, null, 1), task(1, 'HTTP 503', 4)];
  assert.deepEqual(read('errata_sink_ready', well), [['hook', 'webhook', 1]]);
  assert.deepEqual(read('errata_sink_ready', well, stuck), [['hook', 'webhook', 0]]);
  assert.deepEqual(read('errata_sink_failures_total', well, stuck), [['hook', 'webhook', 5]]);
});
