/** How long to wait before the next attempt: twice as long each time, up to a limit, and never all at the same moment. */
export interface BackoffLimits {
  first_ms: number;
  most_ms: number;
}

/** For the `attempt`th repetition, from 0. Between half of the full wait and all of it, by `dice` from 0 to 1. */
export function backoffMs(
  attempt: number,
  { first_ms, most_ms }: BackoffLimits,
  dice = Math.random(),
): number {
  const full_ms = Math.min(first_ms * 2 ** Math.min(attempt, 30), most_ms);
  return full_ms * (0.5 + dice / 2);
}
