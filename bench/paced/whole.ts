/** Whether the results of a paced load count what was sent. */
import { windowStartOf } from '../job.ts';
import { closingTick, eventsInWindow, type Pace, ticks } from './pace.ts';

/** Starts of those windows whose results do not count what was sent. */
export function wrongWindows(
  pace: Pace,
  counts: Iterable<readonly [key: string, count: number]>,
  starts: readonly number[],
): number[] {
  const sums = new Map<number, number>();
  for (const [key, count] of counts) {
    const start_ms = windowStartOf(key);
    sums.set(start_ms, (sums.get(start_ms) ?? 0) + count);
  }
  return starts.filter((start_ms) => sums.get(start_ms) !== eventsInWindow(pace, start_ms));
}

/** Starts of the windows that close before the load ends, from a tick on. */
export function closedWindows(pace: Pace, window_ms: number, from_tick = 0): number[] {
  const starts: number[] = [];
  for (let start_ms = pace.from_ms; closingTick(pace, start_ms) < ticks(pace); start_ms += window_ms)
    if (closingTick(pace, start_ms) >= from_tick) starts.push(start_ms);
  return starts;
}
