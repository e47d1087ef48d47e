import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Plan, TargetPlan } from '../engine/plan.ts';
import { describePlan } from './describe.ts';
import { lint } from './lint.ts';
import { loadTopology } from './load.ts';
import { mermaidOf } from './mermaid.ts';
import { makePlan } from './plan.ts';
import { formatProblem } from './problem.ts';
import { soundTopology } from './testing.ts';

function planOf(text: string): Plan {
  const { graph, problems } = lint(text, 'topology.yaml', {});
  assert.ok(graph, problems.map(formatProblem).join('\n'));
  return makePlan(graph);
}

function stage(plan: Plan, name: string) {
  const found = plan.stages.find((one) => one.name === name);
  assert.ok(found, `there is a stage ${name}`);
  return found;
}

test('the standard topology becomes two re-keying stages, capture, and windows with severity', () => {
  const { plan } = loadTopology('config/topologies/feedback.yaml', {});
  assert.ok(plan);
  assert.equal(
    describePlan(plan),
    `topology feedback in namespace errata
  group errata.feedback, 2 workers, commits every 200ms, exactly once

stage predictions
  reads  predictions → predictions.rekey.records (source predictions, event time, disorder 5s, idle after 30s, wall clock)
  runs   predictions.rekey (rekey)
  writes predictions.rekey.records → errata.feedback.predictions.rekeyed (with watermarks)

stage feedback
  reads  feedback → feedback.rekey.records (source feedback, event time, disorder 5s, idle after 30s, wall clock)
  runs   feedback.rekey (rekey)
  writes feedback.rekey.records → errata.feedback.feedback.rekeyed (with watermarks)

stage capture
  reads  errata.feedback.predictions.rekeyed → capture.records (watermarks of predictions)
  reads  errata.feedback.feedback.rekeyed → capture.records (watermarks of feedback)
  runs   capture
  runs   stats.partial (window_partial)
  passes capture.events → stats.partial.events
  writes stats.partial.deltas → errata.feedback.stats.deltas (with watermarks)
  keeps  errata.feedback.capture.changelog

stage stats
  reads  errata.feedback.stats.deltas → stats.deltas (watermarks of capture)
  runs   stats (window)
  runs   severity
  passes stats.windows → severity.windows
  writes severity.alerts → alerts
  writes severity.assessments → patterns
  keeps  errata.feedback.stats.changelog

topics (partitions: of those that do not exist yet)
  predictions                             source  4
  feedback                                source  4
  alerts                                  sink  4
  patterns                                sink  4
  errata.feedback.predictions.rekeyed     repartition  4  retention.ms=-1  max.message.bytes=104857600
  errata.feedback.feedback.rekeyed        repartition  4  retention.ms=-1  max.message.bytes=104857600
  errata.feedback.stats.deltas            repartition  4  retention.ms=-1
  errata.feedback.capture.changelog       changelog  as errata.feedback.predictions.rekeyed  cleanup.policy=compact
  errata.feedback.stats.changelog         changelog  as errata.feedback.stats.deltas  cleanup.policy=compact
  errata.feedback.predictions.partitions  partitions  as predictions
  errata.feedback.feedback.partitions     partitions  as feedback
  feedback.dead-letter                    dead_letter  4  retention.ms=-1
  feedback.late                           late  4  retention.ms=-1
`,
  );
});

test('declared sources feed capture directly; one stage asks for training and judges its results', () => {
  const plan = planOf(readFileSync('config/topologies/mail-triage.yaml', 'utf8'));
  assert.deepEqual(
    plan.stages.map(({ name, actors }) => [name, ...actors.map((actor) => actor.name)]),
    [
      ['capture', 'capture', 'stats.partial'],
      ['stats', 'stats', 'severity'],
      ['retraining', 'retraining', 'rollout'],
      ['training'],
    ],
  );
  assert.deepEqual(stage(plan, 'capture').inputs[0], {
    topic: 'mail.predictions',
    actor: 'capture',
    input: 'records',
    codec: {
      type: 'source',
      source: 'predictions',
      rekeyed: false,
      keyed: { by: 'prediction_id', partitioner: 'murmur2' },
    },
    time: { type: 'event_time', disorder_ms: 0, idle_ms: null, clock: 'wall' },
  });
  const [, rollout] = stage(plan, 'retraining').actors;
  assert.deepEqual(rollout?.outputs.rollouts, [
    { to: 'actor', actor: 'retraining', input: 'rollouts' },
    { to: 'topic', topic: 'mail.rollouts', internal: false, watermarks: false },
  ]);
  assert.equal(plan.training?.outcomes_topic, 'errata.mail-triage.capture.outcomes');
});

test('windows over a source that is keyed as they are need no topic in between; without a join nothing is re-keyed', () => {
  const topology = (key: string, by: string) => `
topology: direct
sources: { events: { kafka: { topic: in.events }${key} } }
actors:
  capture: { from: events, join: none }
  stats: { kind: window, from: capture, by: [${by}] }
  severity: { from: stats }
sinks: { alerts: { from: severity, kafka: { topic: out.alerts } } }`;
  const stages = (key: string, by: string) =>
    planOf(topology(key, by)).stages.map(({ actors }) => actors.map(({ name }) => name));
  const keyed = ', key: deployment_id, partitioner: murmur2';
  assert.deepEqual(stages(keyed, 'deployment_id, model_version'), [
    ['capture', 'stats.partial', 'stats', 'severity'],
  ]);
  const in_two = [
    ['capture', 'stats.partial'],
    ['stats', 'severity'],
  ];
  assert.deepEqual(stages(keyed, 'model_version'), in_two);
  assert.deepEqual(stages('', 'deployment_id'), in_two);
});

test('capture and severity wait as long as the windows, unless the file says otherwise', () => {
  const config = (plan: Plan, name: string) =>
    plan.stages.flatMap(({ actors }) => actors).find((actor) => actor.name === name)?.config as Record<
      string,
      unknown
    >;
  const windows = [
    '  stats: { kind: window, from: capture, lateness: 36h }',
    '  slow: { kind: window, from: capture, lateness: 2d }',
  ];
  const sinks = [
    '  rollouts: { from: rollout, kafka: { topic: r } }',
    '  slow: { from: slow, kafka: { topic: s } }',
  ];
  const plan = planOf(soundTopology({ 2: 'max_ahead: 1h', 8: windows, 14: sinks }));
  assert.equal(config(plan, 'capture').lateness, '2d');
  assert.equal(config(plan, 'capture').max_ahead, '1h');
  assert.equal(config(plan, 'capture').outcomes, true);
  assert.equal(config(plan, 'feedback.rekey').max_ahead, '1h');
  assert.equal(config(plan, 'severity').lateness, '36h');
  const own = '  capture: { from: [predictions, feedback], lateness: 3d, max_ahead: 1m, outcomes: false }';
  const explicit = config(planOf(soundTopology({ 2: 'max_ahead: 1h', 7: own })), 'capture');
  assert.deepEqual(
    [explicit.lateness, explicit.max_ahead, explicit.outcomes],
    ['3d', '1m', true],
    'what retraining needs is not a matter of taste',
  );
});

test('defaults are filled in, also inside a choice', () => {
  const line = '  severity: { from: stats, strategies: [{ threshold: { high_above: 0.7 } }] }';
  const severity = stage(planOf(soundTopology({ 9: line })), 'stats').actors[1]?.config as {
    strategies: unknown;
  };
  assert.deepEqual(severity.strategies, [
    { threshold: { error_rate_above: 0.3, pattern_share_above: 0.1, high_above: 0.7, medium_above: 0.3 } },
  ]);
});

test('a trainer of one’s own is found beside the file', () => {
  const { graph } = lint(
    soundTopology({ 10: '  retraining: { from: severity, trainer: ./plan.test.ts }' }),
    'topology/x.yaml',
    {},
  );
  assert.ok(graph);
  assert.equal(makePlan(graph).training?.trainer, resolve('topology/plan.test.ts'));
});

test('two windows into one judge run in one stage, with a topic each', () => {
  const lines = {
    8: [
      '  stats: { kind: window, from: capture }',
      '  daily: { kind: window, from: capture, tumbling: 24h }',
    ],
    9: '  severity: { from: [stats, daily] }',
  };
  assert.deepEqual(
    stage(planOf(soundTopology(lines)), 'stats').inputs.map(({ topic }) => topic),
    ['errata.triage.stats.deltas', 'errata.triage.stats.daily.deltas'],
  );
});

/** Topologies of different shape: sources declared or not, some windows, with or without the loop, in any order. */
const topologies = fc
  .record({
    declared: fc.array(fc.boolean(), { minLength: 1, maxLength: 3 }),
    windows: fc.integer({ min: 1, max: 3 }),
    shared_judge: fc.boolean(),
    retrains: fc.boolean(),
    order: fc.infiniteStream(fc.integer({ min: 0, max: 1000 })),
  })
  .map(({ declared, windows, shared_judge, retrains, order }) => {
    const key = ', key: prediction_id, partitioner: crc32';
    const sources = declared.map((direct, i) => `  s${i}: { kafka: { topic: in.${i} }${direct ? key : ''} }`);
    const names = Array.from({ length: windows }, (_, i) => `w${i}`);
    const judges = shared_judge ? [names] : names.map((name) => [name]);
    const actors = [
      `  capture: { from: [${declared.map((_, i) => `s${i}`)}] }`,
      ...names.map((name) => `  ${name}: { kind: window, from: capture }`),
      ...judges.map((from, i) => `  judge${i}: { kind: severity, from: [${from}] }`),
      ...(retrains
        ? [
            '  train: { kind: retraining, from: judge0, trainer: text_logistic }',
            '  rollout: { from: train }',
          ]
        : []),
    ];
    const sinks = judges.map((_, i) => `  sink${i}: { from: judge${i}, kafka: { topic: out.${i} } }`);
    const shuffled = actors
      .map((line) => ({ line, at: order.next().value ?? 0 }))
      .sort((a, b) => a.at - b.at)
      .map(({ line }) => line);
    const around = (lines: string[]) =>
      ['topology: t', 'sources:', ...sources, 'actors:', ...lines, 'sinks:', ...sinks].join('\n');
    return { text: around(shuffled), ordered: around(actors), names: names.length };
  });

function targets(plan: Plan): { stage: string; target: TargetPlan }[] {
  return plan.stages.flatMap(({ name, actors }) =>
    actors.flatMap(({ outputs }) =>
      Object.values(outputs).flatMap((list) => list.map((target) => ({ stage: name, target }))),
    ),
  );
}

test('every plan holds together', () => {
  fc.assert(
    fc.property(topologies, ({ text }) => {
      const plan = planOf(text);
      const topics = plan.topics.map(({ name }) => name);
      assert.equal(new Set(topics).size, topics.length, 'no topic stands twice');
      const read = plan.stages.flatMap(({ inputs }) => inputs.map(({ topic }) => topic));
      assert.equal(new Set(read).size, read.length, 'no topic is read by two stages');
      assert.deepEqual(
        read.filter((topic) => !topics.includes(topic)),
        [],
        'what is read is planned',
      );
      for (const { stage: from, target } of targets(plan)) {
        if (target.to === 'topic') assert.ok(topics.includes(target.topic), 'what is written is planned');
        else
          assert.ok(
            stage(plan, from).actors.some(({ name }) => name === target.actor),
            'a call stays in its stage',
          );
      }
      assertPartitions(plan);
      assertWatermarks(plan);
    }),
    { numRuns: 60 },
  );
});

/** Partition p of each input belongs to task p. */
function assertPartitions(plan: Plan): void {
  const count = (topic: string): number => {
    const { partitions } = plan.topics.find(({ name }) => name === topic)!;
    return 'count' in partitions ? partitions.count : count(partitions.like);
  };
  for (const { inputs, changelog, partitions_topic } of plan.stages) {
    const recorded = changelog ?? partitions_topic;
    assert.ok(recorded, 'every stage records its partitions');
    const counts = new Set([...inputs.map(({ topic }) => topic), recorded].map(count));
    assert.equal(counts.size, 1);
  }
}

/** Whoever waits for watermark records gets them from exactly the stages that write to the topic. */
function assertWatermarks(plan: Plan): void {
  for (const { inputs } of plan.stages)
    for (const { topic, time } of inputs) {
      const writers = targets(plan)
        .filter(({ target }) => target.to === 'topic' && target.topic === topic && target.watermarks)
        .map((writer) => writer.stage);
      const awaited =
        time.type === 'watermark_records' ? time.upstream.map((upstream) => upstream.stage) : [];
      assert.deepEqual([...new Set(writers)].sort(), awaited.toSorted());
    }
}

test('a plan does not depend on when it is made, and its stages not on the order of the actors', () => {
  fc.assert(
    fc.property(topologies, ({ text, ordered }) => {
      assert.equal(JSON.stringify(planOf(text)), JSON.stringify(planOf(text)));
      const stages = (plan: Plan) =>
        plan.stages
          .map(({ actors }) =>
            actors
              .map(({ name }) => name)
              .sort()
              .join(),
          )
          .sort();
      assert.deepEqual(stages(planOf(text)), stages(planOf(ordered)));
    }),
    { numRuns: 30 },
  );
});

test('the chart declares each node that it connects, once', () => {
  fc.assert(
    fc.property(topologies, ({ text }) => {
      const lines = mermaidOf(planOf(text)).trimEnd().split('\n');
      assert.equal(lines[0], 'flowchart LR');
      const declared = lines.flatMap((line) => /^\s+(\w+)\[/.exec(line)?.[1] ?? []);
      assert.equal(new Set(declared).size, declared.length);
      const edges = lines.flatMap((line) => {
        const [, from, to] = /^ {2}(\w+) (?:-->|-\.->)(?:\|\w+\|)? (\w+)$/.exec(line) ?? [];
        return from && to ? [from, to] : [];
      });
      assert.ok(edges.length > 0);
      assert.deepEqual(
        edges.filter((node) => !declared.includes(node)),
        [],
      );
      const known =
        /^( {2}subgraph \w+\["[^"]+"\]| {2}end| {2}classDef .+|\s+\w+\[.+\](:::\w+)?| {2}\w+ -.*> ?.*\w+|flowchart LR)$/;
      assert.deepEqual(
        lines.filter((line) => !known.test(line)),
        [],
      );
    }),
    { numRuns: 30 },
  );
});

test("the user's own topics are made with the retention and cleanup that the file says, and else as the brokers are set", () => {
  const plan = planOf(`
topology: kept
sources:
  feedback: { kafka: { topic: feedback, retention: 7d } }
  events: { http: { port: 0 }, topic: events, cleanup: compact, retention: forever }
actors:
  capture: { from: [feedback, events], join: none }
  stats: { kind: window, from: capture }
  severity: { from: stats }
sinks:
  alerts: { from: severity, kafka: { topic: alerts, cleanup: compact } }
  windows: { from: stats, kafka: { topic: windows } }
`);
  const config = (topic: string) => plan.topics.find(({ name }) => name === topic)?.config;
  assert.deepEqual(config('feedback'), { 'retention.ms': String(7 * 24 * 3_600_000) });
  assert.deepEqual(config('events'), { 'retention.ms': '-1', 'cleanup.policy': 'compact' });
  assert.deepEqual(config('alerts'), { 'cleanup.policy': 'compact' });
  assert.deepEqual(config('windows'), {});
});
