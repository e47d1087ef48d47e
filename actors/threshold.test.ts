import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { WindowResult } from '../messages/window.ts';
import { windowResult } from './test_messages.ts';
import { judgeByThreshold, PUBLISHED_THRESHOLDS } from './threshold.ts';

/** `bad` errors among `total` events, with these pattern counts. */
function judge(bad: number, total: number, pattern_counts: Record<string, number>) {
  const window: WindowResult = windowResult({
    total_events: total,
    low_ratings: bad,
    error_rate: total > 0 ? bad / total : 0,
    pattern_counts,
  });
  return judgeByThreshold(window, PUBLISHED_THRESHOLDS);
}

describe('threshold: both edges of every number of the published rule', () => {
  it('fires above an error rate of 0.3, not at it', () => {
    for (const total of [10, 20, 30, 70, 100, 1000, 9990]) {
      assert.equal(judge((total * 3) / 10, total, { a: total }).fires, false, `0.3 of ${total}`);
      assert.equal(judge((total * 3) / 10 + 1, total, { a: total }).fires, true);
    }
    assert.equal(judge(0, 0, {}).fires, false);
  });

  it('fires above 1 too: one event can count twice', () => {
    assert.equal(judge(20, 10, {}).fires, true);
  });

  it('keeps patterns above a share of 0.1, not at it', () => {
    for (const total of [10, 30, 70, 100, 1000]) {
      const tenth = total / 10;
      const { patterns } = judge(total, total, { at: tenth, above: tenth + 1, below: tenth - 1 });
      assert.deepEqual(patterns, { above: tenth + 1 });
    }
  });

  it('is high above 0.5 of the kept counts, medium above 0.3, low else', () => {
    const severityOf = (counts: number[]) =>
      judge(100, 100, Object.fromEntries(counts.map((count, index) => [`k${index}`, count]))).severity;
    assert.equal(severityOf([50, 49]), 'high');
    assert.equal(severityOf([25, 25]), 'medium');
    assert.equal(severityOf([31, 30, 39]), 'medium');
    assert.equal(severityOf([15, 15, 14, 6]), 'medium', '6 is not kept, so the share is 15/44');
    assert.equal(severityOf([30, 24, 23, 23]), 'low', 'exactly 0.3');
    assert.equal(severityOf([31, 24, 23, 22]), 'medium');
    assert.equal(severityOf([25, 25, 25, 25]), 'low');
    assert.equal(severityOf([100]), 'high');
  });

  it('has no patterns, low severity and only monitors where it does not fire', () => {
    const { patterns, severity, recommended_action } = judge(30, 100, { a: 100 });
    assert.deepEqual([patterns, severity, recommended_action], [{}, 'low', 'monitor']);
  });

  it('is low and monitors where it fires without a pattern', () => {
    const { fires, severity, recommended_action } = judge(31, 100, { a: 10, b: 10 });
    assert.deepEqual([fires, severity, recommended_action], [true, 'low', 'monitor']);
    assert.equal(judge(31, 100, { a: 11 }).recommended_action, 'retrain_on_pattern');
  });

  it('takes other numbers', () => {
    const window = windowResult({
      total_events: 10,
      low_ratings: 1,
      error_rate: 0.1,
      pattern_counts: { a: 1, b: 1 },
    });
    const numbers = { error_rate_above: 0.05, pattern_share_above: 0.05, high_above: 0.4, medium_above: 0.2 };
    const { fires, severity, patterns } = judgeByThreshold(window, numbers);
    assert.deepEqual([fires, severity, patterns], [true, 'high', { a: 1, b: 1 }]);
  });
});
