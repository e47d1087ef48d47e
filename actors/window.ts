/** Tumbling windows over events: a result when the watermark passes the end, corrections within the lateness. */
import { ErrataError } from '../messages/errata_error.ts';
import { defineActor } from './actor.ts';
import { WindowConfig } from './window_config.ts';

export const window = defineActor({
  kind: 'window',
  local_half: 'window_partial',
  summary: 'Error rate, patterns, moments and latency quantiles of the events of each window.',
  example: 'stats: { kind: window, from: capture, tumbling: 5m, lateness: 24h, idle: 30s }',
  partitioning: 'window_key',
  config: WindowConfig,
  inputs: { deltas: 'window_delta' },
  outputs: { windows: { message: 'window', summary: 'final results and their corrections' } },
  create() {
    throw new ErrataError('E_NOT_BUILT', 'this actor has no behaviour yet');
  },
});
