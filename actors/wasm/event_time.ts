/** How far the event time of a batch's records has come. */
import { DISORDER_MS, HELD_MS, REACHED_MS, WATERMARK_MS } from '../columns_layout';

/** What this input has reached, unless others hold it; never back. */
export function watermark(): f64 {
  return max(load<f64>(WATERMARK_MS), min(load<f64>(REACHED_MS), load<f64>(HELD_MS)));
}

export function observe(time_ms: f64): void {
  const reached_ms = time_ms - load<f64>(DISORDER_MS);
  if (reached_ms > load<f64>(REACHED_MS)) store<f64>(REACHED_MS, reached_ms);
}
