/**
 * What a job learns from, and what both models are compared on: made from a labelled base and from outcomes.
 *
 * 1. The same cases in any order give the same data set.
 * 2. Whether a case is held out depends on its id alone. So a case that was held out once is held out of every
 *    later training too, and no champion has an advantage on it.
 * 3. A bad verdict means the given label, or the other of two answers; a good one means the answer given; silence
 *    is a weak yes to it.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { answerOf } from '../messages/answer.ts';
import type { Outcome } from '../messages/outcome.ts';
import { patternKey } from '../messages/pattern_key.ts';
import type { TrainingJob } from '../messages/training_job.ts';
import type { TrainingConfig } from './config.ts';
import type { Case } from './evaluation.ts';
import type { Labelled } from './ports.ts';
import { uniform } from './random.ts';
import type { Example } from './trainer.ts';

export interface Dataset {
  /** By time, then id. */
  examples: Example[];
  recent: Case[];
  older: Case[];
  /** SHA-256 of the examples in order, hex. */
  hash: string;
}

/** Splits and weighs the cases of one job. Outcomes without input or output teach nothing and are left out. */
export function buildDataset(
  base: readonly Labelled[],
  outcomes: readonly Outcome[],
  job: Pick<TrainingJob, 'patterns' | 'seed'>,
  config: TrainingConfig,
): Dataset {
  const { share, recent_cases, reported_if_wrong } = config.holdout;
  const usable = outcomes.filter(
    ({ prediction }) => prediction.input !== undefined && prediction.output !== undefined,
  );
  const ordered = usable.toSorted(
    byTime(
      (outcome) => outcome.prediction_time_ms,
      (outcome) => outcome.prediction_id,
    ),
  );
  const isHeldOut = (outcome: Outcome) => heldOut(outcome.prediction_id, share);
  const toCase = (outcome: Outcome) => caseOf(outcome, config.answers, reported_if_wrong);
  const boundary = Math.max(0, ordered.length - recent_cases);
  const learned = select(
    ordered.filter((outcome) => !isHeldOut(outcome)),
    job,
    config,
  );
  const examples = [
    ...baseExamples(base, share),
    ...learned.map((outcome) => exampleOf(outcome, config)).filter((example) => example !== undefined),
  ].sort(
    byTime(
      (example) => example.time_ms,
      (example) => example.id,
    ),
  );
  return {
    examples,
    recent: ordered.slice(boundary).filter(isHeldOut).map(toCase),
    older: [...baseCases(base, share), ...ordered.slice(0, boundary).filter(isHeldOut).map(toCase)],
    hash: hashExamples(examples),
  };
}

/** Examples of a first model: the base without what later comparisons hold out. */
export function baseExamples(base: readonly Labelled[], share: number): Example[] {
  return base.filter(({ id }) => !heldOut(id, share)).map((labelled) => ({ ...labelled, weight: 1 }));
}

/** SHA-256 of the examples in order, hex. */
export function hashExamples(examples: readonly Example[]): string {
  const hash = createHash('sha256');
  for (const { id, time_ms, input, answer, weight } of examples) {
    hash.update(`${JSON.stringify([id, time_ms, input, answer, weight])}\n`);
  }
  return hash.digest('hex');
}

function heldOut(id: string, share: number): boolean {
  return uniform('holdout', id) < share;
}

function baseCases(base: readonly Labelled[], share: number): Case[] {
  return base
    .filter(({ id }) => heldOut(id, share))
    .map(({ id, input, answer }) => ({ id, input, answer, wrong: 0, reported: true }));
}

/** All that somebody commented on or that shows a problem pattern, and a seeded sample of the rest. */
function select(
  outcomes: Outcome[],
  job: Pick<TrainingJob, 'patterns' | 'seed'>,
  config: TrainingConfig,
): Outcome[] {
  const { silence_weight, replay } = config.dataset;
  const patterns = new Set(job.patterns);
  const isFocus = ({ verdict, prediction: { input_stats } }: Outcome) =>
    verdict !== null || (input_stats !== undefined && patterns.has(patternKey(input_stats)));
  const rest = outcomes
    .filter((outcome) => !isFocus(outcome))
    .map((outcome) => ({ outcome, draw: uniform('replay', job.seed, outcome.prediction_id) }))
    .sort(
      byTime(
        (entry) => entry.draw,
        (entry) => entry.outcome.prediction_id,
      ),
    )
    .slice(0, replay)
    .map(({ outcome }) => outcome);
  const selected = [...outcomes.filter(isFocus), ...rest];
  return silence_weight > 0 ? selected : selected.filter(({ verdict }) => verdict !== null);
}

/** undefined where it is known to be wrong but not what would be right. */
function exampleOf(outcome: Outcome, config: TrainingConfig): Example | undefined {
  const { prediction_id: id, prediction_time_ms: time_ms, prediction, verdict } = outcome;
  const answer = verdict?.bad ? rightAnswer(outcome, config.answers) : answerOf(prediction.output);
  if (answer === undefined) return undefined;
  const weight = verdict === null ? config.dataset.silence_weight : 1;
  return { id, time_ms, input: prediction.input, answer, weight };
}

function caseOf(outcome: Outcome, answers: TrainingConfig['answers'], reported_if_wrong: number): Case {
  const { prediction_id: id, prediction, verdict } = outcome;
  const other = rightAnswer(outcome, answers);
  return {
    id,
    input: prediction.input,
    answer: answerOf(prediction.output),
    ...(other === undefined ? {} : { other }),
    wrong: verdict?.bad ? 1 / reported_if_wrong : 0,
    reported: verdict?.bad ?? false,
  };
}

/** What would be right if the prediction is wrong. */
function rightAnswer({ prediction, verdict }: Outcome, answers: TrainingConfig['answers']): unknown {
  if (verdict?.label !== undefined) return verdict.label;
  const given = answerOf(prediction.output);
  if (!answers?.some((answer) => isDeepStrictEqual(answer, given))) return undefined;
  return answers.find((answer) => !isDeepStrictEqual(answer, given));
}

function byTime<Item>(
  time: (item: Item) => number,
  id: (item: Item) => string,
): (a: Item, b: Item) => number {
  return (a, b) => time(a) - time(b) || (id(a) < id(b) ? -1 : id(a) > id(b) ? 1 : 0);
}
