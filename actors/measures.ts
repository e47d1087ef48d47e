/** Numeric fields of an event whose distribution a window reports where the topology names them. */
import { type Static, Type } from 'typebox';
import type { Event } from '../messages/event.ts';

export const Measure = Type.Union([
  Type.Literal('rating'),
  Type.Literal('time_to_action'),
  Type.Literal('latency_ms'),
  Type.Literal('server_load'),
  Type.Literal('input_stats.mean'),
  Type.Literal('input_stats.std'),
  Type.Literal('input_stats.min'),
  Type.Literal('input_stats.max'),
]);
export type Measure = Static<typeof Measure>;

/** Undefined where the event does not carry it. */
export function measured(event: Event, measure: Measure): number | undefined {
  switch (measure) {
    case 'input_stats.mean':
      return event.input_stats?.mean;
    case 'input_stats.std':
      return event.input_stats?.std;
    case 'input_stats.min':
      return event.input_stats?.min;
    case 'input_stats.max':
      return event.input_stats?.max;
    default:
      return event[measure];
  }
}
