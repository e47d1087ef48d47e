/** The gate before a rollout: the one place that decides whether a candidate may replace the champion. */
import { type Static, Type } from 'typebox';
import type { Comparison, Evaluation } from '../messages/evaluation.ts';

export const GateConfig = Type.Object(
  {
    min_cases: Type.Integer({
      minimum: 1,
      default: 50,
      description: 'held-out cases that each comparison needs at least',
    }),
    min_reports: Type.Integer({
      minimum: 0,
      default: 3,
      description: 'of the recent ones, how many must have been reported',
    }),
    confidence_z: Type.Number({
      minimum: 0,
      default: 1,
      description: 'standard errors by which the candidate must lead on recent cases',
    }),
    older_tolerance: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0.01,
      description: 'how much higher its error may be on older cases',
    }),
  },
  { additionalProperties: false },
);
export type GateConfig = Static<typeof GateConfig>;

/** What of an evaluation is judged. */
export type Judged = Pick<Evaluation, 'candidate' | 'champion' | 'recent' | 'older' | 'failure'>;

export interface Judgement {
  kind: 'promote' | 'reject';
  reason: string;
}

/** Promotes a candidate that leads on recent held-out cases beyond chance and is not worse on older ones. */
export function judge(evaluation: Judged, config: GateConfig): Judgement {
  const { candidate, champion, recent, older } = evaluation;
  if (candidate === null) return reject(evaluation.failure ?? 'training gave no candidate');
  if (candidate === champion) return reject('the candidate is the champion');
  if (!recent || recent.cases < config.min_cases) return reject(tooFew('recent', recent, config));
  if (!older || older.cases < config.min_cases) return reject(tooFew('older', older, config));
  if (recent.reports < config.min_reports) {
    return reject(
      `only ${recent.reports} of the recent cases were reported, ${config.min_reports} are needed`,
    );
  }
  const lead = recent.champion_error - recent.candidate_error;
  const needed = config.confidence_z * recent.difference_se;
  if (!(lead > 0 && lead > needed)) {
    return reject(
      `not better on recent data: ${describe(recent)}, lead ${percent(lead)}, more than ${percent(needed)} is needed`,
    );
  }
  if (!(older.candidate_error <= older.champion_error + config.older_tolerance)) {
    return reject(`worse on older data: ${describe(older)}`);
  }
  return { kind: 'promote', reason: `recent: ${describe(recent)}; older: ${describe(older)}` };
}

function reject(reason: string): Judgement {
  return { kind: 'reject', reason };
}

function tooFew(which: string, comparison: Comparison | null, config: GateConfig): string {
  return `too few ${which} cases: ${comparison?.cases ?? 0}, ${config.min_cases} are needed`;
}

function describe({ candidate_error, champion_error, cases }: Comparison): string {
  return `${percent(candidate_error)} errors against ${percent(champion_error)} on ${cases} cases`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
