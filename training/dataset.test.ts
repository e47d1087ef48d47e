import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Outcome } from '../messages/outcome.ts';
import type { TrainingConfig } from './config.ts';
import { baseExamples, buildDataset } from './dataset.ts';
import type { Labelled } from './ports.ts';

const config: TrainingConfig = {
  answers: ['ham', 'spam'],
  options: {},
  dataset: { silence_weight: 0.2, replay: 10 },
  holdout: { recent_cases: 40, recent_share: 0.5, older_share: 0.2, reported_if_wrong: 0.4 },
};
const job = { patterns: ['mean_1_std_2'], seed: 7 };

type Said = 'wrong' | 'right' | 'silent' | { label: unknown };

function outcome(index: number, said: Said, mean = 3, output: unknown = 'spam'): Outcome {
  const verdict =
    said === 'silent'
      ? null
      : { score: 0, bad: said !== 'right', by: 'explicit' as const, time_ms: index, ...labelOf(said) };
  return {
    prediction_id: `p${index}`,
    prediction_time_ms: index,
    time_ms: index,
    prediction: {
      prediction_id: `p${index}`,
      timestamp: index,
      model_version: 'v',
      deployment_id: 'd',
      input: `text ${index}`,
      output,
      input_stats: { mean, std: 2 },
    },
    verdict,
    previous: null,
  };
}

function labelOf(said: Said): { label?: unknown } {
  return typeof said === 'object' ? { label: said.label } : {};
}

function labelled(index: number): Labelled {
  return { id: `b${index}`, time_ms: -index, input: `base ${index}`, answer: index % 2 ? 'ham' : 'spam' };
}

const base = Array.from({ length: 50 }, (_, index) => labelled(index));
const saids: Said[] = ['wrong', 'right', 'silent', 'silent', { label: 'ham' }];
const outcomes = Array.from({ length: 200 }, (_, index) =>
  outcome(index, saids[index % saids.length]!, index % 3 === 0 ? 1.7 : 3),
);

const anyOutcomes = fc
  .array(fc.tuple(fc.constantFrom(...saids), fc.constantFrom(1, 3)), { maxLength: 120 })
  .map((rows) => rows.map(([said, mean], index) => outcome(index, said, mean)));

test('the same cases in any order give the same data set', () => {
  const expected = buildDataset(base, outcomes, job, config);
  fc.assert(
    fc.property(
      fc.shuffledSubarray(base, { minLength: base.length }),
      fc.shuffledSubarray(outcomes, { minLength: outcomes.length }),
      (shuffled_base, shuffled) => {
        const { examples, recent, hash } = buildDataset(shuffled_base, shuffled, job, config);
        assert.deepEqual(examples, expected.examples);
        assert.deepEqual(recent, expected.recent);
        assert.equal(hash, expected.hash);
      },
    ),
    { numRuns: 20 },
  );
});

test('the hash is of the examples: another verdict gives another hash', () => {
  const { hash, examples } = buildDataset(base, outcomes, job, config);
  const index = outcomes.findIndex(
    ({ prediction_id, verdict }) => verdict && examples.some(({ id }) => id === prediction_id),
  );
  const changed = outcomes.with(index, outcome(index, 'silent', 1));
  assert.notEqual(buildDataset(base, changed, job, config).hash, hash);
});

test('nothing is both learned and compared on, and every case with input and output is accounted for', () => {
  fc.assert(
    fc.property(anyOutcomes, (some) => {
      const wide = { ...config, dataset: { ...config.dataset, replay: 1000 } };
      const { examples, recent, older } = buildDataset(base, some, job, wide);
      const ids = [...examples, ...recent, ...older].map(({ id }) => id);
      assert.equal(new Set(ids).size, ids.length);
      assert.equal(ids.length, base.length + some.length);
    }),
  );
});

test('no earlier data set has learned what a later one compares on', () => {
  fc.assert(
    fc.property(anyOutcomes, fc.nat(120), (some, earlier_length) => {
      const earlier = buildDataset(base, some.slice(0, earlier_length), job, config);
      const first = baseExamples(base, config.holdout.older_share);
      const learned = new Set([...earlier.examples, ...first].map(({ id }) => id));
      const { recent, older } = buildDataset(base, some, job, config);
      for (const { id } of [...recent, ...older]) assert.ok(!learned.has(id), id);
    }),
  );
});

test('a bad verdict takes the given label or flips the answer; a good one and silence confirm it', () => {
  const { examples } = buildDataset([], outcomes, job, config);
  for (const { id, answer, weight } of examples) {
    const said = saids[Number(id.slice(1)) % saids.length]!;
    const expected = said === 'wrong' || typeof said === 'object' ? 'ham' : 'spam';
    assert.equal(answer, expected, id);
    assert.equal(weight, said === 'silent' ? 0.2 : 1, id);
  }
});

test('an output that holds its answer as `label` is learned as that answer', () => {
  const some = Array.from({ length: 20 }, (_, index) =>
    outcome(index, index % 2 ? 'wrong' : 'right', 3, { label: 'spam', score: 0.9 }),
  );
  const { examples } = buildDataset([], some, job, config);
  assert.deepEqual(new Set(examples.map(({ answer }) => answer)), new Set(['spam', 'ham']));
});

test('of several answers a bad verdict without label teaches nothing', () => {
  const { answers: _, ...several } = config;
  const some = [outcome(1, 'wrong'), outcome(2, { label: 'news' }), outcome(3, 'right')];
  const alone = { ...several, holdout: { ...config.holdout, recent_share: 0.001, older_share: 0.001 } };
  const { examples } = buildDataset([], some, job, alone);
  assert.deepEqual(
    examples.map(({ id, answer }) => [id, answer]),
    [
      ['p2', 'news'],
      ['p3', 'spam'],
    ],
  );
});

test('all of the problem pattern and all with a verdict are learned, of the rest a sample', () => {
  const { examples } = buildDataset([], outcomes, job, config);
  const silent_others = examples.filter(({ id, weight }) => weight < 1 && Number(id.slice(1)) % 3 !== 0);
  assert.equal(silent_others.length, config.dataset.replay);
  const other_seed = buildDataset([], outcomes, { ...job, seed: 8 }, config).examples;
  const focus = (list: typeof examples) =>
    list.filter(({ id, weight }) => weight === 1 || Number(id.slice(1)) % 3 === 0);
  assert.deepEqual(focus(other_seed), focus(examples));
  assert.notDeepEqual(other_seed, examples);
});

test('with weight 0 silence is left out', () => {
  const silent = { ...config, dataset: { ...config.dataset, silence_weight: 0 } };
  const { examples } = buildDataset([], outcomes, job, silent);
  assert.ok(examples.length > 0);
  assert.ok(examples.every(({ weight }) => weight === 1));
});
