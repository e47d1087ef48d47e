/** What a window tells of its sums. */
import { parseDuration } from '../messages/duration.ts';
import { toIso } from '../messages/timestamp.ts';
import type { WindowResult } from '../messages/window.ts';
import type { ActorScope } from './actor.ts';
import type { Aggregate } from './aggregate.ts';
import { completenessOf, firstStep, stepOf } from './completeness.ts';
import { type Distribution, summariseDistribution } from './distribution.ts';
import { emptyMoments, summarise } from './moments.ts';
import type { WindowConfig } from './window_config.ts';
import type { WindowDelta } from './window_delta.ts';
import { type WindowKind, windowKind } from './window_kind.ts';

const NO_MOMENTS = emptyMoments();

/** A window that is to be told at a watermark. */
export interface Telling {
  key: WindowDelta['key'];
  start_ms: number;
  end_ms: number;
  revision: number;
  aggregate: Aggregate;
}

export class ResultWriter {
  readonly #config: WindowConfig;
  readonly #scope: ActorScope;
  readonly #kind: WindowKind;
  readonly #step_ms: number;
  readonly #horizon_ms: number;

  constructor(config: WindowConfig, scope: ActorScope) {
    this.#config = config;
    this.#scope = scope;
    this.#kind = windowKind(config);
    this.#step_ms = stepOf(this.#kind);
    this.#horizon_ms = parseDuration(config.feedback_horizon);
  }

  resultOf({ key, start_ms, end_ms, revision, aggregate }: Telling, watermark_ms: number): WindowResult {
    const { events, low_ratings, slow_actions, patterns, other_patterns } = aggregate;
    return {
      topology: this.#scope.topology,
      window: this.#scope.actor,
      key,
      window_start: toIso(start_ms),
      window_end: toIso(end_ms),
      revision,
      final: watermark_ms >= end_ms,
      completeness: completenessOf(aggregate.predictions ?? {}, {
        step_ms: this.#step_ms,
        first_step: firstStep(this.#kind, start_ms),
        end_ms,
        passed_ms: watermark_ms - this.#horizon_ms,
      }),
      total_events: events,
      low_ratings,
      slow_actions,
      error_rate: events > 0 ? (low_ratings + slow_actions) / events : 0,
      input_mean: summarise(aggregate.input_mean ?? NO_MOMENTS),
      latency_ms: summariseDistribution(aggregate.latency_ms),
      measures: this.#measuresOf(aggregate),
      pattern_counts: Object.fromEntries(Object.entries(patterns ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))),
      other_patterns,
    };
  }

  #measuresOf({ measures }: Aggregate): WindowResult['measures'] {
    return Object.fromEntries(
      this.#config.measures.map((measure) => [measure, summariseMeasure(measures?.[measure])]),
    );
  }
}

function summariseMeasure(distribution: Distribution | undefined) {
  const summary = summariseDistribution(distribution);
  return { ...summary, variance: summary.std === null ? null : summary.std ** 2 };
}
