/** Waits `time_ms`, or less: ends without an error once the signal is given. */
import { setTimeout as delay } from 'node:timers/promises';

export async function pause(time_ms: number, signal: AbortSignal): Promise<void> {
  await delay(time_ms, undefined, { signal }).catch(() => undefined);
}
