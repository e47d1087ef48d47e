/** Waits for a condition instead of for a time. */
import { setTimeout as delay } from 'node:timers/promises';

/** Rejects with what was waited for once the time is up. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: string,
  timeout_ms = 30_000,
): Promise<void> {
  const deadline_ms = Date.now() + timeout_ms;
  while (!(await holds())) {
    if (Date.now() > deadline_ms) throw new Error(`not within ${timeout_ms / 1000} s: ${what}`);
    await delay(20);
  }
}
