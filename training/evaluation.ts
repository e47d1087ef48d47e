/**
 * How many errors two models make on the same held-out cases, estimated from what was reported about them.
 *
 * Only some errors are reported, and right answers hardly ever, so the share of reports says little. But if a wrong
 * answer is reported with probability p, each report stands for 1/p wrong answers (Horvitz and Thompson, "A
 * Generalization of Sampling Without Replacement From a Finite Universe", JASA 47, 1952): `wrong`, 1/p for a
 * reported case and 0 for any other, has the expectation 1 where the answer was wrong and 0 where it was right. A
 * model that repeats the answer shares its error; one that gives the other of two answers has the error 1 - wrong.
 * That uses the silent cases too, and reports of right answers, which are rarer still and would each have to stand
 * for dozens of cases, are not needed. p is configured (`reported_if_wrong`): it is a property of the users, known
 * from a survey or from a labelled sample, and cannot be estimated from reports alone.
 */
import { isDeepStrictEqual } from 'node:util';
import { answerOf } from '../messages/answer.ts';
import type { Comparison } from '../messages/evaluation.ts';
import type { Model } from './trainer.ts';

/** One held-out case. */
export interface Case {
  id: string;
  input: unknown;
  /** The answer that was given, or the right one where that is known (`wrong` is 0 then). */
  answer: unknown;
  /** What is right if `answer` is wrong; absent where that is not known. */
  other?: unknown;
  /** Unbiased estimate of 1 if `answer` is wrong and 0 if it is right. */
  wrong: number;
  /** Somebody said that `answer` is wrong, or it comes from the labelled base. */
  reported: boolean;
}

/** Compares the models on the cases; null where there is none. */
export async function compare(
  candidate: Model,
  champion: Model,
  cases: readonly Case[],
): Promise<Comparison | null> {
  const candidate_errors = await errorsOf(candidate, cases);
  const champion_errors = await errorsOf(champion, cases);
  return compareErrors(cases, candidate_errors, champion_errors);
}

export function compareErrors(
  cases: readonly Pick<Case, 'wrong' | 'reported'>[],
  candidate_errors: readonly number[],
  champion_errors: readonly number[],
): Comparison | null {
  if (cases.length === 0) return null;
  const differences = candidate_errors.map((error, index) => error - champion_errors[index]!);
  return {
    cases: cases.length,
    reports: cases.filter(({ reported }) => reported).length,
    effective_cases: effectiveCases(cases),
    champion_error: mean(champion_errors),
    candidate_error: mean(candidate_errors),
    difference_se: standardError(differences),
  };
}

/** Estimated error of one answer to a case. An answer that is neither of the two known ones is taken for wrong. */
export function estimatedError(
  { answer, other, wrong }: Omit<Case, 'id' | 'input'>,
  output: unknown,
): number {
  const given = answerOf(output);
  if (isDeepStrictEqual(given, answer)) return wrong;
  return other !== undefined && isDeepStrictEqual(given, other) ? 1 - wrong : 1;
}

async function errorsOf(model: Model, cases: readonly Case[]): Promise<number[]> {
  const errors: number[] = [];
  for (const held_out of cases) {
    const { output } = await model.predict(held_out.input);
    errors.push(estimatedError(held_out, output));
  }
  return errors;
}

/**
 * Kish's effective sample size, (Σw)² / Σw² ("Survey Sampling", 1965): a reported case weighs what it stands for,
 * the others share the rest.
 */
function effectiveCases(cases: readonly Pick<Case, 'wrong' | 'reported'>[]): number {
  const standing = cases.filter(({ wrong }) => wrong > 0);
  const reported_weight = standing.reduce((sum, { wrong }) => sum + wrong, 0);
  const rest = cases.length - standing.length;
  const rest_weight = Math.max(0, cases.length - reported_weight);
  const squares =
    standing.reduce((sum, { wrong }) => sum + wrong ** 2, 0) + (rest > 0 ? rest_weight ** 2 / rest : 0);
  return squares === 0 ? 0 : (reported_weight + rest_weight) ** 2 / squares;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of the mean of independent values; Infinity for fewer than two. */
function standardError(values: readonly number[]): number {
  if (values.length < 2) return Number.POSITIVE_INFINITY;
  const center = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - center) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
}
