/** What a window tells of its sums. */
import { toIso } from '../messages/timestamp.ts';
import type { WindowResult } from '../messages/window.ts';
import type { ActorScope } from './actor.ts';
import { type Distribution, emptyDistribution, summariseDistribution } from './distribution.ts';
import { summarise } from './moments.ts';
import type { WindowState } from './window.ts';
import type { WindowConfig } from './window_config.ts';

export function resultOf(
  { key, start_ms, end_ms, revision, aggregate }: WindowState,
  { measures }: Pick<WindowConfig, 'measures'>,
  scope: ActorScope,
): WindowResult {
  const { events, low_ratings, slow_actions, input_mean, latency_ms, patterns, other_patterns } = aggregate;
  return {
    topology: scope.topology,
    window: scope.actor,
    key,
    window_start: toIso(start_ms),
    window_end: toIso(end_ms),
    revision,
    final: true,
    total_events: events,
    low_ratings,
    slow_actions,
    error_rate: events > 0 ? (low_ratings + slow_actions) / events : 0,
    input_mean: summarise(input_mean),
    latency_ms: summariseDistribution(latency_ms),
    measures: Object.fromEntries(
      measures.map((measure) => [
        measure,
        summariseMeasure(aggregate.measures[measure] ?? emptyDistribution()),
      ]),
    ),
    pattern_counts: Object.fromEntries(Object.entries(patterns).sort(([a], [b]) => (a < b ? -1 : 1))),
    other_patterns,
  };
}

function summariseMeasure(distribution: Distribution) {
  const summary = summariseDistribution(distribution);
  return { ...summary, variance: summary.std === null ? null : summary.std ** 2 };
}
