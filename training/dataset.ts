/**
 * What a job learns from, and what both models are compared on: made from a labelled base and from outcomes.
 *
 * 1. The same cases in any order give the same data set.
 * 2. Each case has a fixed draw, made from its id. It is never trained on if the draw is below `older_share`, and
 *    not while it is among the `recent_cases` latest if it is below `recent_share`. As cases only grow older, no
 *    champion has been trained on a case that it is compared on.
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
  const { recent_cases, recent_share, older_share, reported_if_wrong } = config.holdout;
  const ordered = outcomes.filter(isUsable).toSorted(byTime(predictionTime, predictionId));
  const boundary = Math.max(0, ordered.length - recent_cases);
  const [older, older_rest] = split(ordered.slice(0, boundary), predictionId, older_share);
  const [recent, recent_rest] = split(
    ordered.slice(boundary),
    predictionId,
    Math.max(recent_share, older_share),
  );
  const [base_cases, base_rest] = split(base, ({ id }) => id, older_share);
  const learned = select([...older_rest, ...recent_rest], job, config).map((outcome) =>
    exampleOf(outcome, config),
  );
  const examples = [
    ...base_rest.map((labelled) => ({ ...labelled, weight: 1 })),
    ...learned.filter((example) => example !== undefined),
  ].sort(byTime(exampleTime, exampleId));
  const toCase = (outcome: Outcome) => caseOf(outcome, config.answers, reported_if_wrong);
  return {
    examples,
    recent: recent.map(toCase),
    older: [...base_cases.map(labelledCase), ...older.map(toCase)],
    hash: hashExamples(examples),
  };
}

/** Examples of a first model: the base without what later comparisons hold out. */
export function baseExamples(base: readonly Labelled[], older_share: number): Example[] {
  const [, rest] = split(base, ({ id }) => id, older_share);
  return rest.map((labelled) => ({ ...labelled, weight: 1 })).sort(byTime(exampleTime, exampleId));
}

/** SHA-256 of the examples in order, hex. */
export function hashExamples(examples: readonly Example[]): string {
  const hash = createHash('sha256');
  for (const { id, time_ms, input, answer, weight } of examples) {
    hash.update(`${JSON.stringify([id, time_ms, input, answer, weight])}\n`);
  }
  return hash.digest('hex');
}

/** Held out, and the rest. */
function split<Item>(items: readonly Item[], id: (item: Item) => string, share: number): [Item[], Item[]] {
  const isHeldOut = (item: Item) => uniform('holdout', id(item)) < share;
  return [items.filter(isHeldOut), items.filter((item) => !isHeldOut(item))];
}

function isUsable({ prediction }: Outcome): boolean {
  return prediction.input !== undefined && prediction.output !== undefined;
}

function labelledCase({ id, input, answer }: Labelled): Case {
  return { id, input, answer, wrong: 0, reported: true };
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

const predictionTime = (outcome: Outcome) => outcome.prediction_time_ms;
const predictionId = (outcome: Outcome) => outcome.prediction_id;
const exampleTime = (example: Example) => example.time_ms;
const exampleId = (example: Example) => example.id;
