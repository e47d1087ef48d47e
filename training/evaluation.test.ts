import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Case, compare, compareErrors, estimatedError } from './evaluation.ts';
import { randomStream } from './random.ts';
import type { Model } from './trainer.ts';

const REPORTED_IF_WRONG = 0.4;

/** A model given by what it answers to each input. */
function modelOf(answers: readonly string[]): Model {
  return { predict: (input) => ({ output: answers[input as number], score: 1 }) };
}

const binary = fc.constantFrom('a', 'b');
const rows = fc.array(fc.record({ truth: binary, served: binary, candidate: binary, champion: binary }), {
  minLength: 1,
  maxLength: 6,
});

/** Every way in which the wrong answers among these can be reported, with its probability. */
function* reports(wrong: readonly boolean[]): Generator<{ reported: boolean[]; probability: number }> {
  const indices = wrong.flatMap((is_wrong, index) => (is_wrong ? [index] : []));
  for (let bits = 0; bits < 2 ** indices.length; bits += 1) {
    const reported = wrong.map(() => false);
    let probability = 1;
    indices.forEach((index, bit) => {
      reported[index] = (bits & (1 << bit)) !== 0;
      probability *= reported[index] ? REPORTED_IF_WRONG : 1 - REPORTED_IF_WRONG;
    });
    yield { reported, probability };
  }
}

function caseOf(index: number, served: string, reported: boolean): Case {
  const wrong = reported ? 1 / REPORTED_IF_WRONG : 0;
  return {
    id: String(index),
    input: index,
    answer: served,
    other: served === 'a' ? 'b' : 'a',
    wrong,
    reported,
  };
}

test('over all that can be reported, the estimates are on average the true errors', async () => {
  await fc.assert(
    fc.asyncProperty(rows, async (cases) => {
      const candidate = modelOf(cases.map((row) => row.candidate));
      const champion = modelOf(cases.map((row) => row.champion));
      let candidate_error = 0;
      let champion_error = 0;
      for (const { reported, probability } of reports(cases.map((row) => row.served !== row.truth))) {
        const held_out = cases.map(({ served }, index) => caseOf(index, served, reported[index]!));
        const comparison = await compare(candidate, champion, held_out);
        candidate_error += probability * comparison!.candidate_error;
        champion_error += probability * comparison!.champion_error;
      }
      const share = (model: 'candidate' | 'champion') =>
        cases.filter((row) => row[model] !== row.truth).length / cases.length;
      assert.ok(Math.abs(candidate_error - share('candidate')) < 1e-9);
      assert.ok(Math.abs(champion_error - share('champion')) < 1e-9);
    }),
    { numRuns: 60 },
  );
});

test('the standard error is the spread that the difference really has', () => {
  const random = randomStream('spread');
  const size = 400;
  const is_wrong = Array.from({ length: size }, (_, index) => index % 10 < 3);
  const candidate_flips = Array.from({ length: size }, (_, index) => index % 10 < 2 || index % 10 === 9);
  const leads: number[] = [];
  const errors: number[] = [];
  for (let draw = 0; draw < 400; draw += 1) {
    const cases = is_wrong.map((wrong, index) => caseOf(index, 'a', wrong && random() < REPORTED_IF_WRONG));
    const candidate = cases.map((held_out, index) =>
      estimatedError(held_out, candidate_flips[index] ? 'b' : 'a'),
    );
    const champion = cases.map((held_out) => estimatedError(held_out, 'a'));
    const comparison = compareErrors(cases, candidate, champion)!;
    leads.push(comparison.candidate_error - comparison.champion_error);
    errors.push(comparison.difference_se);
  }
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const center = mean(leads);
  const spread = Math.sqrt(mean(leads.map((lead) => (lead - center) ** 2)));
  assert.ok(Math.abs(center - (0.1 - 0.2)) < 0.005, `${center}`);
  // The sample's own standard error also counts how the cases differ, so it is the larger one.
  assert.ok(mean(errors) > spread && mean(errors) < spread * 1.6, `${mean(errors)} against ${spread}`);
});

test('two equal models do not differ, and there is no comparison without cases', async () => {
  const model = modelOf(['a', 'b', 'a']);
  const cases = [caseOf(0, 'a', true), caseOf(1, 'b', false), caseOf(2, 'b', false)];
  const comparison = await compare(model, model, cases);
  assert.equal(comparison?.candidate_error, comparison?.champion_error);
  assert.equal(comparison?.difference_se, 0);
  assert.equal(comparison?.reports, 1);
  assert.equal(await compare(model, model, []), null);
});

test('an answer that is neither of the known ones is wrong', () => {
  assert.equal(estimatedError({ answer: 'a', other: 'b', wrong: 2.5, reported: true }, 'c'), 1);
  assert.equal(estimatedError({ answer: 'a', wrong: 2.5, reported: true }, 'b'), 1);
  assert.equal(estimatedError({ answer: 'a', other: 'b', wrong: 2.5, reported: true }, { label: 'b' }), -1.5);
});

test('labelled cases are all effective; reported ones weigh what they stand for', () => {
  const labelled = Array.from({ length: 8 }, () => ({ wrong: 0, reported: true }));
  const zeros = labelled.map(() => 0);
  assert.equal(compareErrors(labelled, zeros, zeros)?.effective_cases, 8);
  const half = [...labelled.slice(0, 6), { wrong: 2.5, reported: true }, { wrong: 2.5, reported: true }];
  const expected = 8 ** 2 / (2 * 2.5 ** 2 + 3 ** 2 / 6);
  assert.ok(Math.abs(compareErrors(half, zeros, zeros)!.effective_cases - expected) < 1e-9);
});
