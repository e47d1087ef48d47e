/** The checker on made logs: silent about what is right, and every kind of mistake is found. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Alert, Assessment } from '../../messages/assessment.ts';
import type { WindowResult } from '../../messages/window.ts';
import { differences, ledgerDifferences, ledgerGaps, type Said } from './checker.ts';
import type { Expected } from './expected.ts';

const START = '2024-03-01T06:00:00.000Z';
const FINE = {
  total_events: 10,
  error_rate: 0.1,
  patterns: {},
  severity: 'low',
  recommended_action: 'monitor',
};
const BAD = {
  total_events: 8,
  error_rate: 0.5,
  patterns: { mean_0_std_0: 6 },
  severity: 'high',
  recommended_action: 'retrain_on_pattern',
};
const EXPECTED: Expected = {
  windows: new Map([
    [`spam/v1/${START}`, FINE],
    [`fraud/v1/${START}`, BAD],
  ]),
  on_time: new Set([`spam/v1/${START}`]),
  dead_letters: new Map([['feedback/0/7', 'not_json']]),
  late: new Map([['feedback/1/3', 'late']]),
  ledger: { feedback: { taken_in: 20, joined: 18, dead_lettered: 1, late: 1 } },
};

function assessment(deployment_id: string, revision: number, told: object, fires: boolean): Assessment {
  return { deployment_id, model_version: 'v1', window_start: START, revision, fires, ...told } as Assessment;
}

function windowOf({
  deployment_id,
  model_version,
  window_start,
  revision,
  total_events,
}: Assessment): WindowResult {
  return {
    key: { deployment_id, model_version },
    window_start,
    revision,
    total_events,
  } as unknown as WindowResult;
}

/** What an honest topology says; `fraud` was corrected once. */
function honest(): Said {
  const assessments = [
    assessment('spam', 0, FINE, false),
    assessment('fraud', 0, { ...BAD, total_events: 7 }, true),
    assessment('fraud', 1, BAD, true),
  ];
  return {
    assessments,
    windows: assessments.map(windowOf),
    alerts: [
      { ...assessments[1]!, kind: 'raise' } as Alert,
      { ...assessments[2]!, kind: 'correct' } as Alert,
    ],
    dead_letters: [{ position: 'feedback/0/7', code: 'not_json' }],
    late: [{ position: 'feedback/1/3', code: 'late' }],
  };
}

/** As if the topology had said so from the start, in all its sinks. */
function assessed(assessments: Assessment[]): Said {
  return { ...honest(), assessments, windows: assessments.map(windowOf) };
}

function found(said: Said): string {
  return differences(EXPECTED, said, 'exactly_once').join('\n');
}

test('an honest topology is not blamed', () => {
  assert.equal(found(honest()), '');
  assert.deepEqual(ledgerDifferences(EXPECTED.ledger, EXPECTED.ledger), []);
});

test('a window that is lost, told twice, wrong, out of order or early is found', () => {
  const [spam, first, second] = honest().assessments as [Assessment, Assessment, Assessment];
  assert.match(found(assessed([first, second])), /spam\/v1.* is lost/);
  assert.match(found(assessed([spam, first, second, second])), /fraud.* revisions 0, 1, 1/);
  assert.match(found(assessed([spam, second, first])), /fraud.* revisions 1, 0/);
  assert.match(found(assessed([{ ...spam, total_events: 9 }, first, second])), /spam.* is wrong/);
  const early = [{ ...spam, total_events: 4 }, { ...spam, revision: 1 }, first, second];
  assert.match(found(assessed(early)), /spam.* closed too early: first 4 events, then 10/);
  const made_up = assessment('nobody', 0, FINE, false);
  assert.match(found(assessed([spam, first, second, made_up])), /nobody.* is wrong/);
});

test('a window result that its assessment does not know, and one that is missing, are found', () => {
  const said = honest();
  assert.match(found({ ...said, windows: said.windows.slice(1) }), /spam.* is assessed but not told/);
  assert.match(found({ ...said, windows: [...said.windows, said.windows[0]!] }), /its assessment undefined/);
});

test('an alert that is missing, twice or of another kind is found', () => {
  const said = honest();
  const [raise, correct] = said.alerts as [Alert, Alert];
  for (const alerts of [[raise], [raise, raise, correct], [raise, { ...correct, kind: 'raise' as const }]])
    assert.match(found({ ...said, alerts }), /alerts of fraud/);
});

test('a topology that never alerts, or always does, is found whatever it says of itself', () => {
  const silent = honest().assessments.map((one) => ({ ...one, fires: false }));
  assert.match(
    found({ ...honest(), assessments: silent, alerts: [] }),
    /alerts of fraud.* are \[\], not \[raise/,
  );
  const [spam] = honest().assessments as [Assessment];
  const alerts = [...honest().alerts, { ...spam, fires: true, kind: 'raise' } as unknown as Alert];
  assert.match(found({ ...honest(), alerts }), /alerts of spam.* not \[\]/);
});

test('windows of one key that are told out of order are found', () => {
  const LATER = '2024-03-01T06:05:00.000Z';
  const expected = {
    ...EXPECTED,
    windows: new Map([...EXPECTED.windows, [`spam/v1/${LATER}`, FINE]]),
    on_time: new Set([...EXPECTED.on_time, `spam/v1/${LATER}`]),
  };
  const [spam, ...fraud] = honest().assessments as [Assessment, Assessment, Assessment];
  const later = { ...spam, window_start: LATER };
  const told = (assessments: Assessment[]) =>
    differences(expected, assessed(assessments), 'exactly_once').join('\n');
  assert.equal(told([spam, later, ...fraud]), '');
  assert.match(told([later, spam, ...fraud]), /windows of spam\/v1 are out of order/);
});

test('what was set aside and is lost, twice or wrongly there is found', () => {
  const said = honest();
  assert.match(found({ ...said, dead_letters: [] }), /dead letter feedback\/0\/7 .* is lost/);
  assert.match(
    found({ ...said, late: [...said.late, ...said.late] }),
    /late record feedback\/1\/3 .* 2 times/,
  );
  const stranger = { position: 'feedback/2/1', code: 'not_json' };
  assert.match(found({ ...said, dead_letters: [...said.dead_letters, stranger] }), /not one at all/);
});

test('at least once: more and twice is allowed, less is not', () => {
  const [spam, first, second] = honest().assessments as [Assessment, Assessment, Assessment];
  const more = assessed([{ ...spam, total_events: 12 }, first, first, second]);
  assert.deepEqual(differences(EXPECTED, more, 'at_least_once'), []);
  const less = assessed([{ ...spam, total_events: 9 }, first, second]);
  assert.match(differences(EXPECTED, less, 'at_least_once').join('\n'), /spam.* is lost: 9 of 10/);
});

test('at least once the ledger may count more, but adds up', () => {
  const feedback = { taken_in: 22, joined: 20, dead_lettered: 1, late: 1 };
  assert.deepEqual(ledgerGaps(EXPECTED.ledger, { feedback }), []);
  assert.deepEqual(ledgerGaps(EXPECTED.ledger, { feedback: { ...feedback, joined: 19 } }), [
    'ledger of feedback: 22 were taken in, 21 have a disposition',
  ]);
  assert.deepEqual(ledgerGaps(EXPECTED.ledger, { feedback: { taken_in: 19, joined: 19 } }), [
    'ledger of feedback: 19 of 20 were taken in',
  ]);
});

test('a ledger that is off by one record is found', () => {
  const said = { feedback: { ...EXPECTED.ledger.feedback!, joined: 17, pending: 1 } };
  assert.deepEqual(ledgerDifferences(EXPECTED.ledger, said), [
    'ledger of feedback: joined is 17, not 18',
    'ledger of feedback: pending is 1, not 0',
  ]);
  assert.deepEqual(ledgerDifferences(EXPECTED.ledger, { ...EXPECTED.ledger, nobody: { taken_in: 1 } }), [
    'ledger of nobody: taken_in is 1, not 0',
  ]);
});
