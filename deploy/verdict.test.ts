import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Comparison, Evaluation } from '../messages/evaluation.ts';
import { type GateConfig, judge } from './verdict.ts';

const gate: GateConfig = { min_cases: 50, min_reports: 3, confidence_z: 1, older_tolerance: 0.01 };

function comparison(values: Partial<Comparison> = {}): Comparison {
  return {
    cases: 200,
    reports: 20,
    effective_cases: 100,
    champion_error: 0.1,
    candidate_error: 0.02,
    difference_se: 0.02,
    ...values,
  };
}

function evaluation(values: Partial<Evaluation> = {}): Evaluation {
  return {
    job_id: 'job',
    alert_id: 'alert',
    topology: 'mail',
    deployment_id: 'inbox',
    candidate: 'bbbbbbbbbbbb',
    champion: 'aaaaaaaaaaaa',
    time: '2002-09-01T00:00:00.000Z',
    recent: comparison(),
    older: comparison({ champion_error: 0.03, candidate_error: 0.03 }),
    failure: null,
    lineage: null,
    ...values,
  };
}

test('a candidate that leads on recent cases and holds on older ones is promoted', () => {
  const { kind, reason } = judge(evaluation(), gate);
  assert.equal(kind, 'promote');
  assert.match(reason, /2\.0 % errors against 10\.0 % on 200 cases/);
});

const rejections: [why: string, values: Partial<Evaluation>, reason: RegExp][] = [
  ['nothing was trained', { candidate: null, failure: 'E_TRAINER_DATA: none' }, /E_TRAINER_DATA/],
  ['it is the champion', { candidate: 'aaaaaaaaaaaa' }, /is the champion/],
  ['no recent cases', { recent: null }, /too few recent cases: 0, 50/],
  ['49 recent cases', { recent: comparison({ cases: 49 }) }, /too few recent cases: 49/],
  ['49 older cases', { older: comparison({ cases: 49 }) }, /too few older cases: 49/],
  ['two reports', { recent: comparison({ reports: 2 }) }, /only 2 of the recent cases/],
  ['a tie', { recent: comparison({ candidate_error: 0.1, difference_se: 0 }) }, /not better on recent/],
  [
    'a lead within chance',
    { recent: comparison({ candidate_error: 0.085 }) },
    /lead 1\.5 %, more than 2\.0 % is needed/,
  ],
  [
    'worse on older',
    { older: comparison({ champion_error: 0.03, candidate_error: 0.041 }) },
    /worse on older/,
  ],
  [
    'an error that is no number',
    { recent: comparison({ candidate_error: Number.NaN }) },
    /not better on recent/,
  ],
  ['an unknown deviation', { recent: comparison({ difference_se: Number.NaN }) }, /not better on recent/],
  [
    'an older error that is no number',
    { older: comparison({ candidate_error: Number.NaN }) },
    /worse on older/,
  ],
];
for (const [why, values, reason] of rejections) {
  test(`rejected: ${why}`, () => {
    const judgement = judge(evaluation(values), gate);
    assert.equal(judgement.kind, 'reject');
    assert.match(judgement.reason, reason);
  });
}

test('a promoted candidate would also be promoted with fewer errors', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(share, share, share, share, share, (champion, candidate, better, older, se) => {
      const make = (candidate_error: number) =>
        evaluation({
          recent: comparison({ champion_error: champion, candidate_error, difference_se: se }),
          older: comparison({ champion_error: older, candidate_error: Math.min(older, candidate_error) }),
        });
      fc.pre(judge(make(candidate), gate).kind === 'promote');
      assert.equal(judge(make(candidate * better), gate).kind, 'promote');
    }),
  );
});
