// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is the topology's own syntax
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { PROBLEM_CODES, type ProblemCode } from './codes.ts';
import { USER_KINDS } from './draft.ts';
import { lint } from './lint.ts';
import { loadTopology } from './load.ts';
import { makePlan } from './plan.ts';
import { formatProblem } from './problem.ts';
import { lintText, SOUND_LINES, shortly, soundTopology } from './testing.ts';

test('a sound topology has no problems', () => {
  assert.deepEqual(lintText(soundTopology()), []);
});

test('five mistakes are reported, each at its line, with the nearest valid name', () => {
  const text = soundTopology({
    2: 'partitons: 8',
    7: '  capture: { from: [predictions, feedbck], join: { wait: 24 hours } }',
    8: '  stats: { kind: windwo, from: capture }',
    13: '  alerts: { from: severity.alrts, kafka: { topic: out.alerts } }',
  });
  assert.deepEqual(lintText(text).map(formatProblem), [
    'topology.yaml:2:1  error  E_UNKNOWN_KEY  unknown setting "partitons" (did you mean "partitions"?)',
    'topology.yaml:7:34  error  E_UNKNOWN_REFERENCE  "feedbck" is neither a source nor an actor (did you mean "feedback"?)',
    'topology.yaml:7:58  error  E_VALUE  "wait": "24 hours" does not fit; it takes e.g. 30s, 5m, 24h, 7d',
    'topology.yaml:8:18  error  E_UNKNOWN_KIND  there is no kind "windwo" (did you mean "window"?)',
    'topology.yaml:13:19  error  E_UNKNOWN_OUTPUT  "severity" has no output "alrts"; it has severity.alerts, severity.assessments (did you mean "severity.alerts"?)',
  ]);
});

/** Lines of the sound topology to replace, and all that lint then says. */
const BROKEN: [lines: Record<number, string | string[]>, said: string[]][] = [
  [{ 2: 'partitions: [4' }, ['3:1 E_YAML']],
  [{ 2: ['partitions: 4', 'partitions: 5'] }, ['3:1 E_DUPLICATE_KEY']],
  [{ 2: 'partitions: ${COUNT}' }, ['2:13 E_ENV_MISSING']],
  [{ 5: '  feedback: { kafka: { topic: in.${WHERE} } }' }, ['5:34 E_ENV_MISSING']],
  [{ 5: '  feedback: { kafka: { topic: "${a b}" } }' }, ['5:31 E_ENV_SYNTAX']],
  [{ 5: '  feedback: { kafka: {} }' }, ['5:15 E_MISSING_KEY']],
  [{ 5: '  feedback: { kafka: { topc: in.feedback } }' }, ['5:24 E_UNKNOWN_KEY → topic']],
  [{ 5: '  feedback: { kafka: { topic: in feedback } }' }, ['5:31 E_VALUE']],
  [{ 2: 'partitions: many' }, ['2:13 E_VALUE']],
  [{ 2: 'kafka: { ssl: { key_file: me.key } }' }, ['2:27 E_KAFKA_CONNECTION']],
  [
    { 2: 'kafka: { sasl: { mechanism: plain, username: me, password_file: p } }' },
    ['2:29 W_SECRET_UNENCRYPTED'],
  ],
  [{ 9: '  severity: { from: stats, strategies: [treshold] }' }, ['9:41 E_VALUE → threshold']],
  [
    { 9: '  severity: { from: stats, strategies: [{ threshold: { high_abov: 1 } }] }' },
    ['9:56 E_UNKNOWN_KEY → high_above'],
  ],
  [
    { 10: '  retraining: { from: severity, trainer: text_logistic, when: { error_rate: 0.3 } }' },
    ['10:77 E_VALUE'],
  ],
  [
    { 10: '  retraining: { from: severity, trainer: text_logistic, when: { severity: hihg } }' },
    ['10:75 E_VALUE → high'],
  ],
  [{ 13: '  al.erts: { from: severity, kafka: { topic: out.alerts } }' }, ['13:3 E_NAME']],
  [
    { 9: ['  severity: { from: stats }', '  training: { kind: severity, from: stats }'] },
    ['10:3 E_NAME', '10:3 W_UNUSED_ACTOR'],
  ],
  [
    { 5: '  stats: { kafka: { topic: in.feedback } }', 7: '  capture: { from: predictions }' },
    ['8:3 E_DUPLICATE_NAME'],
  ],
  [
    { 8: '  stats: { kind: windwo, from: capture, tumblng: 5m, lateness: soon }' },
    ['8:18 E_UNKNOWN_KIND → window', '8:41 E_UNKNOWN_KEY → tumbling', '8:64 E_VALUE'],
  ],
  [
    { 11: '  rollout: { kind: rolout, from: retraining }' },
    ['10:3 E_ROLLOUT_MISSING', '11:20 E_UNKNOWN_KIND → rollout'],
  ],
  [
    { 11: '  rollout: { kind: rekey, from: retraining }' },
    ['10:3 E_ROLLOUT_MISSING', '11:20 E_UNKNOWN_KIND'],
  ],
  [{ 5: '  feedback: { webhook: { url_env: U }, topic: t }' }, ['5:15 E_CONNECTOR_UNAVAILABLE']],
  [
    { 13: '  alerts: { from: severty, http: { port: 1 } }' },
    ['13:19 E_UNKNOWN_REFERENCE → severity', '13:28 E_CONNECTOR_UNAVAILABLE'],
  ],
  [
    { 13: '  alerts: { from: severity, webhok: { url_env: U, secret_env: S } }' },
    ['13:29 E_UNKNOWN_KEY → webhook'],
  ],
  [
    { 13: '  alerts: { from: severity, webhook: { url_env: U, secret_env: S, formt: json } }' },
    ['13:67 E_UNKNOWN_KEY → format'],
  ],
  [{ 13: '  alerts: { from: severity, webhook: { secret_env: S } }' }, ['13:29 E_CONNECTOR']],
  [{ 13: '  alerts: { from: severity, webhook: { url_env: U } }' }, ['13:29 W_CONNECTOR']],
  [
    { 13: '  alerts: { from: severity, webhook: { url_env: U, url: "https://u:p@h/" } }' },
    ['13:29 W_CONNECTOR', '13:57 E_CONNECTOR'],
  ],
  [
    {
      13: `  alerts: { from: severity, webhook: { url: "https://a.example/h/${'9f3c'.repeat(8)}", secret_env: S } }`,
    },
    ['13:45 E_SECRET'],
  ],
  [
    { 13: '  alerts: { from: severity, webhook: { url: "${HOOK:-https://a.example/h}", secret_env: S } }' },
    ['13:45 E_SECRET'],
  ],
  [{ 13: '  alerts: { from: feedback, webhook: { url_env: U, format: slack } }' }, ['13:60 E_CONNECTOR']],
  [
    { 13: '  alerts: { from: severity, start: latest, webhook: { url_env: U, secret_env: S } }' },
    ['13:36 E_CONNECTOR'],
  ],
  [
    { 13: '  alerts: { from: feedback, start: now, webhook: { url_env: U, secret_env: S } }' },
    ['13:36 E_VALUE'],
  ],
  [{ 9: '  severity: { from: stat }' }, ['9:21 E_UNKNOWN_REFERENCE → stats']],
  [
    { 13: '  alerts: { from: severity.alert, kafka: { topic: out.alerts } }' },
    ['13:19 E_UNKNOWN_OUTPUT → severity.alerts'],
  ],
  [{ 9: '  severity: { from: capture }' }, ['8:3 W_UNUSED_ACTOR', '9:21 E_TYPE_MISMATCH']],
  [
    { 10: '  retraining: { from: severity.assessments, trainer: text_logistic }' },
    ['10:23 E_TYPE_MISMATCH → severity.alerts'],
  ],
  [{ 9: '  severity: { from: [stats, stats.windows] }' }, ['9:29 E_DUPLICATE_FROM']],
  [{ 13: '  alerts: { from: feedback, kafka: { topic: out.alerts } }' }, ['13:19 E_SINK_FROM_SOURCE']],
  [{ 7: '  capture: { from: [predictions, feedback, severity] }' }, ['7:44 E_CYCLE']],
  [{ 9: '  severity: { from: [stats, severity] }' }, ['9:29 E_CYCLE']],
  [
    {
      8: ['  stats: { kind: window, from: capture }', '  other: { kind: capture, from: feedback }'],
      14: '  other: { from: other, kafka: { topic: o } }',
    },
    ['9:33 E_SOURCE_SHARED', '12:3 W_UNUSED_ACTOR'],
  ],
  [{ 5: '  feedback: { kafka: { topic: in.predictions } }' }, ['5:31 E_TOPIC_SHARED']],
  [{ 13: '  alerts: { from: severity, kafka: { topic: in.feedback } }' }, ['13:45 E_TOPIC_LOOP']],
  [{ 5: '  feedback: { kafka: { topic: triage.dead-letter } }' }, ['5:31 E_TOPIC_LOOP']],
  [
    { 13: '  alerts: { from: severity, kafka: { topic: errata.triage.stats.deltas } }' },
    ['13:45 E_TOPIC_LOOP'],
  ],
  [{ 5: '  feedback: { kafka: { topic: in.feedback }, partitioner: crc32 }' }, ['5:46 E_KEY_PARTITIONER']],
  [
    { 5: '  feedback: { kafka: { topic: in.feedback }, key: deployment_id, partitioner: crc32 }' },
    ['5:51 E_KEY_JOIN'],
  ],
  [{ 7: '  capture: { from: [predictions, feedback], join: none }' }, ['7:51 E_OUTCOMES']],
  [
    {
      5: '  feedback: { kafka: { topic: in.feedback, partitions: 8 }, key: prediction_id, partitioner: crc32 }',
    },
    ['5:56 E_PARTITIONS'],
  ],
  [{ 10: '  retraining: { from: severity, trainer: text_logistics }' }, ['10:42 E_TRAINER → text_logistic']],
  [{ 10: '  retraining: { from: severity, trainer: ./no_such_file.ts }' }, ['10:42 E_TRAINER']],
  [{ 11: [], 14: [] }, ['10:3 E_ROLLOUT_MISSING', '10:3 W_UNUSED_ACTOR']],
  [
    {
      11: ['  rollout: { from: retraining }', '  second: { kind: rollout, from: retraining }'],
      14: '  r: { from: [rollout], kafka: { topic: o } }',
    },
    ['12:3 E_ONE_RETRAINING', '12:3 W_UNUSED_ACTOR', '15:14 E_VALUE'],
  ],
  [
    {
      7: ['  capture: { from: predictions }', '  second: { kind: capture, from: feedback }'],
      8: '  stats: { kind: window, from: [capture, second] }',
    },
    ['11:23 E_OUTCOMES'],
  ],
  [
    { 10: '  retraining: { from: severity, trainer: text_logistic, options: { api_token: abc } }' },
    ['10:79 E_SECRET'],
  ],
  [
    { 10: '  retraining: { from: severity, trainer: text_logistic, options: { password: "${PW:-abc}" } }' },
    ['10:78 E_SECRET'],
  ],
  [{ 8: '  stats: { kind: window, from: capture, lateness: 1h }' }, ['8:51 W_LATENESS']],
  [
    { 8: '  stats: { kind: window, from: capture, tumbling: 5m, session: { gap: 30m } }' },
    ['8:55 E_WINDOW_KIND'],
  ],
  [{ 8: '  stats: { kind: window, from: capture, hopping: { size: 5m } }' }, ['8:41 E_MISSING_KEY']],
  [{ 8: '  stats: { kind: window, from: capture, tumbling: 0s }' }, ['8:51 E_WINDOW_SIZE']],
  [
    { 8: '  stats: { kind: window, from: capture, hopping: { size: 5m, every: 10m } }' },
    ['8:50 E_WINDOW_SIZE'],
  ],
  [
    { 8: '  stats: { kind: window, from: capture, tumbling: 1s, max_open_windows: 80000 }' },
    ['8:51 W_OPEN_WINDOWS'],
  ],
  [
    {
      8: [
        '  stats: { kind: window, from: capture, idle: never }',
        '  daily: { kind: window, from: capture, tumbling: 24h }',
      ],
      14: [
        '  rollouts: { from: rollout, kafka: { topic: r } }',
        '  daily: { from: daily, kafka: { topic: d } }',
      ],
    },
    ['9:3 W_IDLE'],
  ],
  [{ 7: '  capture: { from: predictions }' }, ['5:3 W_UNUSED_SOURCE']],
  [{ 14: [] }, ['11:3 W_UNUSED_ACTOR']],
];

for (const [lines, said] of BROKEN)
  test(`lint says ${said.join(', ')}`, () => {
    assert.deepEqual(lintText(soundTopology(lines)).map(shortly), said);
  });

test('a file that is not there is a problem, not an exception', () => {
  assert.deepEqual(loadTopology('no/such/file.yaml', {}).problems.map(shortly), ['1:1 E_FILE']);
});

test('every code is provoked by some mistake here', () => {
  const provoked = new Set(BROKEN.flatMap(([, said]) => said.map((one) => one.split(' ')[1])));
  const missing = (Object.keys(PROBLEM_CODES) as ProblemCode[]).filter((code) => !provoked.has(code));
  assert.deepEqual(missing, ['E_FILE']);
});

test('what is no topology at all is told so', () => {
  for (const text of ['', '[]', 'hello', '42', 'topology: x\nsources: []\nactors: 3', '&a [*a]', 'a: *b'])
    assert.ok(
      lintText(text).some(({ severity }) => severity === 'error'),
      text,
    );
});

test('whatever is done to a file, lint answers with places in it, in order', () => {
  const sound = soundTopology();
  const scrap = fc.oneof(
    fc.constantFrom(
      '',
      '  ',
      ': ',
      '{',
      '}',
      '[',
      '- ',
      '&a ',
      '*a',
      '${',
      '${X}',
      '|',
      '"',
      '\n',
      '__proto__: 1',
      '?',
      '!!binary ',
    ),
    fc.string({ maxLength: 6 }),
    fc.constantFrom(...SOUND_LINES.map((line) => `\n${line}\n`)),
  );
  const edit = fc.tuple(fc.nat(sound.length), fc.nat(30), scrap);
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      const text = edits.reduce(
        (before, [start, length, put]) => before.slice(0, start) + put + before.slice(start + length),
        sound,
      );
      const problems = lintText(text);
      const lines = text.split('\n');
      for (const { line, column } of problems)
        assert.ok(line >= 1 && column >= 1 && line <= lines.length && column <= lines[line - 1]!.length + 1);
      assert.deepEqual(
        problems.map(({ line }) => line),
        problems.map(({ line }) => line).toSorted((a, b) => a - b),
      );
      const said = problems.map((problem) => JSON.stringify(problem));
      assert.equal(new Set(said).size, said.length, 'nothing is said twice');
      const plan = lint(text, 'topology.yaml', {}).graph;
      if (plan) makePlan(plan);
    }),
    { numRuns: 400 },
  );
});

test('the examples of the actors, taken together, are a sound topology', () => {
  const examples = USER_KINDS.map(({ example }) => `  ${example}`);
  const alerts = SOUND_LINES.slice(11);
  assert.deepEqual(lintText([...SOUND_LINES.slice(0, 6), ...examples, ...alerts].join('\n')), []);
});

test('the topologies that come with errata have no problems', () => {
  for (const name of ['feedback', 'feedback-pubsub', 'mail-triage']) {
    const file = `config/topologies/${name}.yaml`;
    assert.deepEqual(lintText(readFileSync(file, 'utf8')), [], file);
  }
});
