/**
 * How a window actor cuts time. Whatever its kind, events are summed up by slices of equal length since 1970 next to
 * where they are; the half that keeps the windows puts windows together from slices.
 */
import { parseDuration } from '../messages/duration.ts';
import { ErrataError } from '../messages/errata_error.ts';
import type { WindowConfig } from './window_config.ts';

export type WindowKind = FixedKind | SessionKind;

/** Windows of one length that begin at multiples of `every_ms`: tumbling where both are equal, else hopping. */
export interface FixedKind {
  type: 'fixed';
  size_ms: number;
  every_ms: number;
  /** Divides both. */
  slice_ms: number;
}

/** Two events are in one session where their slices begin at most `gap_ms` apart, or others lie between them. */
export interface SessionKind {
  type: 'session';
  gap_ms: number;
  slice_ms: number;
}

export const DEFAULT_TUMBLING = '5m';
/** So a session's limits, and which gap is just short enough, are known to a sixtieth of the gap. */
const SLICES_PER_GAP = 60;

/** Throws E_WINDOW_SIZE where no time can be cut so. */
export function windowKind({ tumbling, hopping, session }: WindowSetting): WindowKind {
  if (session) {
    const gap_ms = positive(session.gap, 'gap');
    return { type: 'session', gap_ms, slice_ms: Math.max(1, Math.floor(gap_ms / SLICES_PER_GAP)) };
  }
  if (!hopping) {
    const size_ms = positive(tumbling ?? DEFAULT_TUMBLING, 'length');
    return { type: 'fixed', size_ms, every_ms: size_ms, slice_ms: size_ms };
  }
  const [size_ms, every_ms] = [positive(hopping.size, 'size'), positive(hopping.every, 'step')];
  if (every_ms > size_ms)
    throw new ErrataError(
      'E_WINDOW_SIZE',
      'hopping windows further apart than they are long leave events out',
    );
  return { type: 'fixed', size_ms, every_ms, slice_ms: greatestCommonDivisor(size_ms, every_ms) };
}

export type WindowSetting = Pick<WindowConfig, 'tumbling' | 'hopping' | 'session'>;

function positive(text: string, what: string): number {
  const value_ms = parseDuration(text);
  if (value_ms <= 0) throw new ErrataError('E_WINDOW_SIZE', `a window needs a ${what} above 0`);
  return value_ms;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** Null where nothing is told before the end. */
export function provisionalMs({ provisional }: Pick<WindowConfig, 'provisional'>): number | null {
  return provisional === undefined ? null : positive(provisional, 'step between provisional results');
}

/** How long after its end a window may still be told anew. */
export function correctedFor(config: WindowSetting & Pick<WindowConfig, 'lateness'>): string {
  const kind = windowKind(config);
  if (kind.type === 'fixed') return config.lateness;
  return `${parseDuration(config.lateness) + kind.gap_ms}ms`;
}
