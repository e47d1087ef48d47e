/** Judges each window, and says so when the state of a window changes. */
import { Type } from 'typebox';
import { Duration } from '../messages/duration.ts';
import { ErrataError } from '../messages/errata_error.ts';
import { defineActor } from './actor.ts';
import { ThresholdConfig } from './threshold.ts';

const Strategy = Type.Union([
  Type.Literal('threshold', { description: 'the published rule with its numbers' }),
  Type.Object({ threshold: ThresholdConfig }, { additionalProperties: false }),
]);

export const severity = defineActor({
  kind: 'severity',
  summary: 'Judges how severe the errors of a window are and raises, corrects and resolves alerts.',
  example: 'severity: { from: stats, strategies: [threshold] }',
  partitioning: 'window_key',
  config: Type.Object(
    {
      strategies: Type.Array(Strategy, {
        minItems: 1,
        maxItems: 1,
        default: ['threshold'],
        description: 'by which rule; numbers as { threshold: { error_rate_above: 0.3 } }',
      }),
      lateness: Duration({
        default: '24h',
        description: 'how long a window may be corrected; where absent, that of the window in front',
      }),
    },
    { additionalProperties: false },
  ),
  inputs: { windows: 'window' },
  outputs: {
    alerts: { message: 'alert', summary: 'a window fires, still fires when corrected, or no longer does' },
    assessments: { message: 'assessment', summary: 'the judgement of every window result' },
  },
  create() {
    throw new ErrataError('E_NOT_BUILT', 'this actor has no behaviour yet');
  },
});
