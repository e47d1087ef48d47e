/** Which slices of one key make up sessions: pure arithmetic on times in milliseconds. */
import type { SessionKind } from './window_kind.ts';

/** A slice, or several that nothing can part any more. */
export interface Part {
  /** Where its first slice begins, and its last. */
  first_ms: number;
  last_ms: number;
  /** False where it holds predictions only: they belong to a session that spans it, and make none. */
  has_events: boolean;
}

export interface Session {
  start_ms: number;
  /** Where its last slice begins. */
  last_ms: number;
  /** From here on nothing that comes can belong to it. */
  end_ms: number;
}

/** `parts` by time. */
export function sessionsOf(parts: readonly Part[], { gap_ms, slice_ms }: SessionKind): Session[] {
  const sessions: Session[] = [];
  for (const { first_ms, last_ms, has_events } of parts) {
    if (!has_events) continue;
    const end_ms = last_ms + slice_ms + gap_ms;
    const open = sessions.at(-1);
    if (open && first_ms - open.last_ms <= gap_ms) Object.assign(open, { last_ms, end_ms });
    else sessions.push({ start_ms: first_ms, last_ms, end_ms });
  }
  return sessions;
}

export function spans({ start_ms, last_ms }: Session, time_ms: number): boolean {
  return start_ms <= time_ms && time_ms <= last_ms;
}

/** Where a part that begins at `first_ms` belongs among those by time. */
export function placeOf(parts: readonly Part[], first_ms: number): number {
  return parts.findLastIndex((part) => part.first_ms < first_ms) + 1;
}
