import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metrics } from './metrics.ts';
import { FakeTopology, WATERMARK_MS } from './testing.ts';

/** Samples by name and labels, those of errata only. */
async function scrape(metrics: Metrics): Promise<Map<string, number>> {
  const lines = (await metrics.render()).split('\n').filter((line) => line.startsWith('errata_'));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

test('metrics tell the ledger, lag, watermark and restarts', async () => {
  const topology = new FakeTopology();
  topology.entries = { feedback: { taken_in: 5, joined: 4, pending: 1 }, stats: { windowed: 4 } };
  topology.pause('feedback');
  const samples = await scrape(new Metrics(new Map([['feedback', topology]])));
  const stage = topology.plan.stages[0]!;
  const { topic } = stage.inputs[0]!;
  const of = (name: string, labels: string) => samples.get(`${name}{topology="feedback"${labels}}`);
  assert.equal(of('errata_topology_ready', ''), 1);
  assert.equal(of('errata_source_taken_in_records', ',source="feedback"'), 5);
  assert.equal(of('errata_source_taken_in_records', ',source="predictions"'), 0);
  assert.equal(of('errata_source_disposition_records', ',source="feedback",disposition="joined"'), 4);
  assert.equal(of('errata_actor_disposition_records', ',actor="stats",disposition="windowed"'), 4);
  assert.equal(of('errata_source_paused', ',source="feedback"'), 1);
  assert.equal(of('errata_source_paused', ',source="predictions"'), 0);
  assert.equal(of('errata_task_lag_records', `,task="${stage.name}/0",topic="${topic}"`), 3);
  assert.equal(of('errata_task_watermark_seconds', `,task="${stage.name}/0"`), WATERMARK_MS / 1000);
  assert.equal(of('errata_task_watermark_seconds', `,task="${stage.name}/1"`), undefined);
  assert.equal(of('errata_results_total', ',message="window"'), 4);
  assert.equal(of('errata_worker_restarts_total', ',worker="feedback-0"'), 2);
});

test('metrics tell of connectors what is up, what waits and what went through', async () => {
  const topology = new FakeTopology();
  topology.connect();
  const samples = await scrape(new Metrics(new Map([['feedback', topology]])));
  const of = (name: string, labels: string) =>
    samples.get(`errata_connector_${name}{topology="feedback",${labels}}`);
  const [source, sink] = ['clicks,source,pubsub', 'hook,sink,webhook'].map((text) => {
    const [connector, direction, kind] = text.split(',');
    return `connector="${connector}",direction="${direction}",kind="${kind}"`;
  });
  assert.deepEqual(
    ['up', 'lag_messages', 'records', 'dead_letter_records', 'errors_total'].map((name) => [
      of(name, source!),
      of(name, sink!),
    ]),
    [
      [0, 0],
      [5, 3],
      [12, 9],
      [1, 2],
      [4, 5],
    ],
  );
  const age_s = of('oldest_message_age_seconds', source!);
  assert.ok(age_s !== undefined && age_s >= 60 && age_s < 120, `${age_s} s`);
  assert.equal(of('oldest_message_age_seconds', sink!), undefined);
});

test('what is gone is not told again, and nothing adds up from scrape to scrape', async () => {
  const topology = new FakeTopology();
  topology.entries = { feedback: { taken_in: 1, pending: 1 } };
  const metrics = new Metrics(new Map([['feedback', topology]]));
  const first = await scrape(metrics);
  assert.deepEqual(await scrape(metrics), first);
  topology.entries = { feedback: { taken_in: 1, joined: 1 } };
  const pending =
    'errata_source_disposition_records{topology="feedback",source="feedback",disposition="pending"}';
  assert.equal(first.get(pending), 1);
  assert.equal((await scrape(metrics)).get(pending), undefined);
});

test('every name of ours says its unit and has a help text; two servers do not share a registry', async () => {
  const text = await new Metrics(new Map()).render();
  await new Metrics(new Map()).render();
  const names = [...text.matchAll(/^# HELP (errata_\w+) (.+)$/gm)].map((match) => match[1]!);
  assert.ok(names.length >= 10);
  for (const name of names)
    assert.match(name, /_(records|offset|seconds|entries|total|ready|paused|running|up|messages)$/);
  assert.match(text, /^process_cpu_seconds_total/m);
});
