/** An end that takes too long is no longer waited for: whoever told the process to stop would kill it anyway. */
import { setTimeout as delay } from 'node:timers/promises';
import { ErrataError } from '../../messages/errata_error.ts';

/** Rejects with what `stopping` rejects with, or with E_STOP_TIMEOUT. */
export async function stoppedWithin(time_ms: number, stopping: Promise<void>): Promise<void> {
  const waiting = new AbortController();
  const timeout = delay(time_ms, 'timeout' as const, { signal: waiting.signal }).catch(() => undefined);
  try {
    if ((await Promise.race([stopping, timeout])) !== 'timeout') return;
  } finally {
    waiting.abort();
  }
  throw new ErrataError('E_STOP_TIMEOUT', `not stopped within ${time_ms / 1000} s`, {
    hint: 'what was not committed is processed again at the next start',
  });
}
