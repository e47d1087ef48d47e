/**
 * Windows over events. Of each: results before its end where asked for, one final result when the watermark passes the
 * end, then a revision for whatever still comes within the lateness. What comes later still goes to the late topic.
 *
 * What is told follows from the deltas and watermarks in the order in which they are read, and from nothing else:
 * not from when a task commits. So whoever reads the same log again tells the same.
 */
import { defineActor } from './actor.ts';
import { FixedWindows } from './fixed_windows.ts';
import { SessionWindows } from './session_windows.ts';
import { WindowConfig } from './window_config.ts';
import { windowKind } from './window_kind.ts';

export const window = defineActor({
  kind: 'window',
  local_half: 'window_partial',
  summary:
    'Error rate, patterns, moments and latency quantiles of the events of each window: tumbling, hopping or session.',
  example: 'stats: { kind: window, from: capture, tumbling: 5m, lateness: 24h, idle: 30s }',
  partitioning: 'window_key',
  config: WindowConfig,
  inputs: { deltas: 'window_delta' },
  outputs: {
    windows: {
      message: 'window',
      summary: 'final results and their corrections; provisional ones where asked for',
    },
  },
  create: (config, scope) => {
    const kind = windowKind(config);
    return kind.type === 'fixed'
      ? new FixedWindows(config, kind, scope)
      : new SessionWindows(config, kind, scope);
  },
});
