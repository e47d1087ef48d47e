import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { Type } from 'typebox';
import type { SinkKind, SourceKind } from '../connectors/connector.ts';
import type { Plan } from '../engine/plan.ts';
import { rightsOf } from '../engine/rights.ts';
import { describePlan } from './describe.ts';
import { type Graph, lint } from './lint.ts';
import { mermaidOf } from './mermaid.ts';
import { makePlan } from './plan.ts';
import { formatProblem } from './problem.ts';

const SOUND = `
topology: edges
sources:
  feedback: { kafka: { topic: in.feedback } }
actors:
  capture: { from: feedback, join: none }
  stats: { kind: window, from: capture, lateness: 2h }
  severity: { from: stats }
sinks:
  hook: { from: severity, webhook: { url_env: HOOK_URL, secret_file: keys/hook } }
  raw: { from: feedback, webhook: { url_env: RAW_URL, secret_env: S } }
`;

function graphOf(text: string): Graph {
  const { graph, problems } = lint(text, '/etc/errata/edges.yaml', {});
  assert.ok(graph, problems.map(formatProblem).join('\n'));
  return graph;
}

function stage(plan: Plan, name: string) {
  const found = plan.stages.find((one) => one.name === name);
  assert.ok(found, `there is a stage ${name}`);
  return found;
}

test('a sink of an actor reads a topic of its own; one of a source reads the source’s, under offsets of its own', () => {
  const plan = makePlan(graphOf(SOUND));
  const [hook] = stage(plan, 'hook.out').inputs;
  assert.deepEqual([hook!.topic, hook!.offsets_topic], ['errata.edges.hook.out', undefined]);
  const [raw] = stage(plan, 'raw.out').inputs;
  assert.deepEqual([raw!.topic, raw!.offsets_topic], ['in.feedback', 'errata.edges.raw.out.offsets']);
  const offsets = plan.topics.find(({ name }) => name === 'errata.edges.raw.out.offsets');
  assert.deepEqual(offsets!.partitions, { like: 'in.feedback' });
});

test('a sink straight from a source starts at its first record, or where it says so at the end', () => {
  const starts = (text: string) => stage(makePlan(graphOf(text)), 'raw.out').inputs.map(({ start }) => start);
  assert.deepEqual(starts(SOUND), [undefined]);
  assert.deepEqual(starts(SOUND.replace('raw: { from: feedback', 'raw: { from: feedback, start: latest')), [
    'latest',
  ]);
});

test('secrets stand in no plan, and their files are found from wherever errata is started', () => {
  const plan = makePlan(graphOf(SOUND));
  const { url_env, secret_file } = stage(plan, 'hook.out').sink!.config as Record<string, string>;
  assert.deepEqual([url_env, secret_file], ['HOOK_URL', resolve('/etc/errata/keys/hook')]);
});

test('a connected source with ids gets an ingest topic and a stage that drops repetitions; without, neither', () => {
  const graph = graphOf(SOUND);
  const [source] = graph.sources;
  const kind = { kind: 'test', config: Type.Object({}), dedupe: '1h' } as SourceKind;
  source!.connector = { kind, config: {}, is_valid: true };
  source!.dedupe = '1h';
  const plan = makePlan(graph);
  assert.deepEqual(plan.sources, [
    { name: 'feedback', kind: 'test', config: {}, topic: 'errata.edges.feedback.ingest', deduplicated: true },
  ]);
  const { inputs, actors, changelog } = stage(plan, 'feedback.ingest');
  assert.equal(inputs[0]!.topic, 'errata.edges.feedback.ingest');
  assert.deepEqual(actors[0]!.outputs.records, [
    { to: 'topic', topic: 'in.feedback', internal: false, watermarks: false },
  ]);
  assert.ok(changelog, 'it has state');
  assert.match(describePlan(plan), /source feedback, in every process\n {2}runs {3}test\n/);
  assert.match(mermaidOf(plan), /source__feedback --> topic__errata_2e_edges_2e_feedback_2e_ingest\n/);
  source!.dedupe = null;
  const direct = makePlan(graph);
  assert.deepEqual([direct.sources![0]!.topic, direct.sources![0]!.deduplicated], ['in.feedback', false]);
  assert.ok(!direct.stages.some(({ name }) => name === 'feedback.ingest'));
});

test('a sink that wants one revision of a window gets it from an actor behind whoever tells them', () => {
  const graph = graphOf(SOUND);
  const [hook] = graph.sinks;
  for (const which of ['first', 'last', 'each'] as const) {
    const kind: SinkKind = { ...hook!.connector!.kind, revisions: () => which };
    hook!.connector = { ...hook!.connector!, kind };
    const { actors } = makePlan(graph).stages.find(({ actors }) =>
      actors.some(({ name }) => name === 'severity'),
    )!;
    const holding = actors.find(({ kind }) => kind === 'revisions');
    const [target] = actors.find(({ name }) => name === 'severity')!.outputs.alerts!;
    if (which === 'each') assert.deepEqual([holding, target!.to], [undefined, 'topic']);
    else {
      assert.deepEqual(holding!.config, { which, lateness: '2h' });
      assert.deepEqual(target, { to: 'actor', actor: 'hook.revisions', input: 'alerts' });
      const [kept] = holding!.outputs.kept!;
      assert.equal(kept!.to === 'topic' && kept!.topic, 'errata.edges.hook.out');
    }
  }
});

const BRIDGE = `
topology: bridge
sources: { a: { pubsub: { subscription: a-sub }, topic: a } }
sinks: { out: { from: a, pubsub: { topic: out } } }
`;

test('a plan says which order a bridge of Pub/Sub keeps, whatever it is keyed by', () => {
  const orders = (from: string, to: string) =>
    describePlan(makePlan(graphOf(BRIDGE.replace(from, to)))).match(/(?<=^ {2}order {2}).*$/gm)!;
  const [source, sink, ...others] = orders('', '');
  assert.deepEqual(others, []);
  assert.match(source!, /^the order of the ordering keys is kept if .* a message without one has no order$/);
  assert.match(sink!, /^the order of the ordering keys, .* a record without one has no order$/);

  const [by_attribute] = orders('a-sub', 'a-sub, key: { attribute: tenant }');
  assert.match(by_attribute!, /only among messages of one attribute "tenant": .* no key and no order$/);
  const [by_field] = orders('a-sub', 'a-sub, key: { path: user.id }');
  assert.match(by_field!, /only among messages of one field "user\.id": .* no key and no order$/);
  const [unordered] = orders('a-sub', 'a-sub, provision: { topic: mails, ordered: false }');
  assert.match(unordered!, /^no order is kept: /);
  const [, unkeyed] = orders('topic: out', 'topic: out, ordered: false');
  assert.match(unkeyed!, /^no order is kept: /);
});

test('a topology without actors is a bridge', () => {
  const plan = makePlan(
    graphOf(
      'topology: bridge\nsources: { a: { kafka: { topic: a } } }\nsinks: { out: { from: a, webhook: { url_env: U, secret_env: S } } }\n',
    ),
  );
  assert.deepEqual(
    plan.stages.map(({ name }) => name),
    ['out.out'],
  );
});

test('what a sink needs of Kafka is asked for: its topic and offsets to read, its dead letters to write', () => {
  const rights = new Map(
    rightsOf(makePlan(graphOf(SOUND))).map(({ name, operations }) => [name, operations]),
  );
  assert.deepEqual(rights.get('errata.edges.raw.out.offsets'), ['Read']);
  assert.deepEqual(rights.get('errata.edges.hook.out'), ['Read', 'Write']);
  assert.deepEqual(rights.get('edges.dead-letter'), ['Write']);
});
