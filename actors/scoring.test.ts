import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Feedback } from '../messages/feedback.ts';
import type { Verdict } from '../messages/outcome.ts';
import { capture } from './capture.ts';
import type { CaptureConfig } from './capture_config.ts';
import { replaces, saidIn, verdictOf } from './scoring.ts';
import { configOf } from './testing.ts';

const { scoring: published } = configOf(capture) as CaptureConfig;

function scoreOf(
  given: Partial<Feedback>,
  output: unknown = 'spam',
  scoring = published,
): number | undefined {
  const type = given.user_action || given.time_to_action ? 'implicit' : 'explicit';
  const feedback: Feedback = { prediction_id: 'p', feedback_type: type, timestamp: 2e12, ...given };
  return verdictOf(saidIn(feedback, 2e12), output, scoring)?.score;
}

describe('scoring', () => {
  it('maps ratings linearly, 3 to 0', () => {
    assert.deepEqual(
      [1, 2, 3, 4, 5].map((rating) => scoreOf({ rating })),
      [-1, -0.5, 0, 0.5, 1],
    );
    assert.equal(scoreOf({ rating: 4 }, 'spam', { ...published, neutral_rating: 4 }), 0);
    assert.equal(scoreOf({ rating: 5 }, 'spam', { ...published, neutral_rating: 5 }), 0);
  });

  it('likes an immediate click, dislikes a search after 30 s, and hates a logout', () => {
    const click = scoreOf({ user_action: 'click', time_to_action: 1 })!;
    const search = scoreOf({ user_action: 'search', time_to_action: 30 })!;
    const logout = scoreOf({ user_action: 'logout', time_to_action: 1 })!;
    const slow = scoreOf({ user_action: 'click', time_to_action: 31 })!;
    assert(click > 0 && slow < 0 && search < slow && logout < search && logout >= -1);
  });

  it('says nothing where the table says nothing', () => {
    assert.equal(scoreOf({ user_action: 'search', time_to_action: 10 }), undefined);
    assert.equal(scoreOf({ user_action: 'click' }), undefined);
    assert.equal(scoreOf({ comment: 'hm' }), undefined);
  });

  it('trusts a label over a rating', () => {
    assert.equal(scoreOf({ label: 'ham', rating: 5 }), -1);
    assert.equal(scoreOf({ label: 'spam', rating: 1 }), 1);
    assert.equal(scoreOf({ label: { a: [1] } }, { a: [1] }), 1);
    assert.equal(scoreOf({ label: 'spam' }, { label: 'spam', confidence: 0.7 }), 1);
  });

  it('keeps a label that there is no answer to compare with, for neither side', () => {
    const verdict = verdictOf(
      saidIn({ prediction_id: 'p', feedback_type: 'explicit', timestamp: 2e12, label: 'ham' }, 2e12),
      undefined,
      published,
    );
    assert.deepEqual(verdict, { score: 0, bad: false, by: 'explicit', time_ms: 2e12, label: 'ham' });
  });

  it('lets the later word count, and of two at once the worse, whichever came first', () => {
    const early: Verdict = { score: 1, bad: false, by: 'explicit', time_ms: 1 };
    const late: Verdict = { ...early, score: 0.5, time_ms: 2 };
    const worse: Verdict = { ...late, score: -1, bad: true };
    assert(replaces(late, early) && !replaces(early, late));
    assert(replaces(worse, late) && !replaces(late, worse));
    assert(!replaces(late, structuredClone(late)));
  });
});
