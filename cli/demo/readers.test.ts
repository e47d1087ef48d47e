import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Value } from 'typebox/value';
import { ScoringConfig } from '../../actors/capture_config.ts';
import { saidIn, verdictOf } from '../../actors/scoring.ts';
import { Feedback } from '../../messages/feedback.ts';
import type { Mail, MailLabel } from './mails.ts';
import { MAX_DELAY_MS, type ReaderRates, readersFeedback } from './readers.ts';

function mail(index: number, label: MailLabel = 'spam'): Mail {
  return { id: `m${index}`, time_ms: 1e12 + index, label, from: '', subject: '', body: '' };
}

function said(index: number, output: string, seed = 1, rates?: ReaderRates) {
  return readersFeedback(mail(index), { prediction_id: `p${index}`, output }, seed, rates);
}

const COUNT = 20_000;
const everyIndex = Array.from({ length: COUNT }, (_, index) => index);

test('they report 40 % of wrong answers and confirm 2 % of right ones', () => {
  const wrong = everyIndex.filter((index) => said(index, 'ham')).length / COUNT;
  const right = everyIndex.filter((index) => said(index, 'spam')).length / COUNT;
  assert.ok(Math.abs(wrong - 0.4) < 0.015, `${wrong}`);
  assert.ok(Math.abs(right - 0.02) < 0.005, `${right}`);
});

test('with rates of 0 nobody says anything, with rates of 1 everybody does', () => {
  for (const output of ['ham', 'spam']) {
    assert.ok(everyIndex.every((index) => !said(index, output, 1, { wrong: 0, right: 0 })));
    assert.ok(everyIndex.every((index) => said(index, output, 1, { wrong: 1, right: 1 })));
  }
});

test('what they say is valid, later than the mail, and means what is true by rule and by score', () => {
  const scoring = Value.Default(ScoringConfig, {}) as ScoringConfig;
  fc.assert(
    fc.property(fc.nat(), fc.integer(), fc.boolean(), (index, seed, is_right) => {
      const output = is_right ? 'spam' : 'ham';
      const { feedback, time_ms } = said(index, output, seed, { wrong: 1, right: 1 })!;
      assert.ok(Value.Check(Feedback, feedback));
      assert.ok(time_ms > mail(index).time_ms && time_ms <= mail(index).time_ms + MAX_DELAY_MS);
      const is_error = (feedback.rating ?? 5) < 3 || (feedback.time_to_action ?? 0) > 30;
      assert.equal(is_error, !is_right);
      assert.equal(verdictOf(saidIn(feedback, time_ms), output, scoring)?.bad, !is_right);
    }),
  );
});

test('the seed and the mail decide, nothing else', () => {
  const once = everyIndex.slice(0, 500).map((index) => said(index, 'ham'));
  const backwards = everyIndex
    .slice(0, 500)
    .reverse()
    .map((index) => said(index, 'ham'));
  assert.deepEqual(backwards.reverse(), once);
  assert.notDeepEqual(
    everyIndex.slice(0, 500).map((index) => said(index, 'ham', 2)),
    once,
  );
});
