/** The local half of a window: sums events up where they are and hands on one delta per window and commit. */
import { ErrataError } from '../messages/errata_error.ts';
import { defineActor } from './actor.ts';
import { WindowConfig } from './window_config.ts';

export const windowPartial = defineActor({
  kind: 'window_partial',
  internal: true,
  summary: 'Forms partial aggregates of a window next to the events, so that only they cross the network.',
  example: 'planned by itself in front of every window',
  partitioning: 'prediction_id',
  config: WindowConfig,
  inputs: { events: 'event' },
  outputs: { deltas: { message: 'window_delta', summary: 'what to add to a window' } },
  create() {
    throw new ErrataError('E_NOT_BUILT', 'this actor has no behaviour yet');
  },
});
