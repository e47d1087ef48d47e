/** Strategy `threshold`: the published rule on one window. */
import { type Static, Type } from 'typebox';
import type { Assessment, Severity } from '../messages/assessment.ts';
import type { WindowResult } from '../messages/window.ts';

const Share = { minimum: 0, maximum: 1 };

export const ThresholdConfig = Type.Object(
  {
    error_rate_above: Type.Number({
      minimum: 0,
      default: 0.3,
      description: 'error rate above which it fires',
    }),
    pattern_share_above: Type.Number({
      ...Share,
      default: 0.1,
      description: 'share of the events above which a pattern key is kept',
    }),
    high_above: Type.Number({
      ...Share,
      default: 0.5,
      description: 'share of the largest kept key above which severity is high',
    }),
    medium_above: Type.Number({ ...Share, default: 0.3, description: 'and above which it is medium' }),
  },
  { additionalProperties: false },
);
export type ThresholdConfig = Static<typeof ThresholdConfig>;

export const PUBLISHED_THRESHOLDS: ThresholdConfig = {
  error_rate_above: 0.3,
  pattern_share_above: 0.1,
  high_above: 0.5,
  medium_above: 0.3,
};

export type Judgement = Pick<
  Assessment,
  'fires' | 'patterns' | 'severity' | 'recommended_action' | 'class' | 'evidence'
>;

/** What of a window the rule looks at. */
export type Counted = Pick<
  WindowResult,
  'total_events' | 'error_rate' | 'low_ratings' | 'slow_actions' | 'pattern_counts'
>;

export function judgeByThreshold(window: Counted, config: ThresholdConfig): Judgement {
  const fires = window.error_rate > config.error_rate_above;
  const patterns = fires ? keptPatterns(window, config) : {};
  return {
    fires,
    patterns,
    severity: severityOf(Object.values(patterns), config),
    recommended_action: Object.keys(patterns).length > 0 ? 'retrain_on_pattern' : 'monitor',
    class: 'unknown',
    evidence: {
      strategy: 'threshold',
      error_rate_above: config.error_rate_above,
      low_ratings: window.low_ratings,
      slow_actions: window.slow_actions,
    },
  };
}

function keptPatterns(window: Counted, config: ThresholdConfig): Record<string, number> {
  const needed = config.pattern_share_above * window.total_events;
  return Object.fromEntries(Object.entries(window.pattern_counts).filter(([, count]) => count > needed));
}

function severityOf(counts: number[], config: ThresholdConfig): Severity {
  if (counts.length === 0) return 'low';
  const share = Math.max(...counts) / counts.reduce((sum, count) => sum + count, 0);
  if (share > config.high_above) return 'high';
  return share > config.medium_above ? 'medium' : 'low';
}
