/**
 * Applications that publish with the published Python layer and client, as they are: both kinds on one topic, no id
 * from the layer. A Python script makes the messages, and says what the published rule makes of them.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Assessment } from '../../messages/assessment.ts';
import { hasPython } from '../harness/python.ts';
import { runTool } from '../harness/run_tool.ts';
import { TopologyRun } from '../harness/topology_run.ts';
import { checkAddsUp } from './last_words.ts';
import type { RuledWindow } from './published_rule.ts';

const WINDOW_MS = 300_000;

interface Published {
  layer: string[];
  client: string[];
  /** A message that is no JSON. */
  broken: string;
  /** By start, in milliseconds. */
  windows: Record<string, RuledWindow>;
}

test('what the published Python layer and client send is taken as it is, and counts `over: all`', async (t) => {
  if (!hasPython(t)) return;
  const published: Published = JSON.parse(await runTool('python3', ['test/sdk/published_client.py']));
  const { layer, client, broken, windows } = published;
  const run = await TopologyRun.embedded(t, {
    changes: [
      [['actors', 'stats', 'over'], 'all'],
      // One window over everything, as one who subscribes to both has it.
      [['actors', 'stats', 'by'], []],
      [['actors', 'stats', 'idle'], 'never'],
    ],
  });
  await run.start();
  const asRecord = (value: string) => ({ value });
  await run.produce('predictions', [...layer, ...client.slice(0, 100), broken].map(asRecord));
  await run.produce('feedback', client.slice(100).map(asRecord));
  await run.processor.settled();
  await run.heartbeat(Math.max(...Object.keys(windows).map(Number)) + WINDOW_MS);
  await run.processor.settled();

  const said = await run.sink<Assessment>('patterns');
  const last = new Map(said.map((each) => [String(Date.parse(each.window_start)), each]));
  assert.deepEqual(new Set(last.keys()), new Set(Object.keys(windows)));
  for (const [start, { total_events, error_rate, patterns, severity, recommended_action }] of last) {
    assert.deepEqual({ total_events, error_rate, patterns, severity, recommended_action }, windows[start]);
  }
  assert.ok(Object.values(windows).some(({ severity }) => severity === 'high'));

  const predictions = await run.ledger('predictions', layer.length + 101);
  checkAddsUp('predictions', predictions);
  assert.equal(predictions.unjoinable, layer.length);
  assert.equal(predictions.dead_lettered, 1);
  const feedback = await run.ledger('feedback', client.length - 100);
  checkAddsUp('feedback', feedback);
  t.diagnostic(JSON.stringify({ predictions, feedback }));
});
