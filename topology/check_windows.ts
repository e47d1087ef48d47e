/** How long windows, joins and sources wait for each other. */
import { parseDuration } from '../messages/duration.ts';
import type { Draft, DraftActor, LintContext } from './draft.ts';
import type { Links } from './link.ts';
import { windowsBehind } from './windows.ts';

export function checkWindows(draft: Draft, links: Links, context: LintContext): void {
  for (const actor of draft.actors) {
    if (actor.kind?.kind !== 'capture') continue;
    const windows = windowsBehind(actor.name, draft, links);
    for (const window of windows) checkLateness(actor, window, context);
    checkIdle(windows, context);
  }
}

function checkLateness(capture: DraftActor, window: DraftActor, { document, problems }: LintContext): void {
  const wait = duration((capture.config.join as { wait?: unknown } | undefined)?.wait);
  const lateness = duration(window.config.lateness);
  if (wait === null || lateness === null || lateness >= wait) return;
  problems.report(
    'W_LATENESS',
    document.valueAt([...window.path, 'lateness']),
    `"${window.name}" forgets a window after ${window.config.lateness}, while "${capture.name}" joins for ${(capture.config.join as { wait: string }).wait}: feedback that moves to its prediction's window after that counts as late`,
  );
}

function checkIdle(windows: readonly DraftActor[], { document, problems }: LintContext): void {
  const never = windows.find(({ config }) => config.idle === 'never');
  for (const window of windows)
    if (never && window.config.idle !== 'never')
      problems.report(
        'W_IDLE',
        document.valueAt([...window.path, 'idle']),
        `"${window.name}" will not close when its sources are quiet, because "${never.name}" on the same sources says never`,
      );
}

/** Null where it is no duration, which the schema has reported. */
function duration(value: unknown): number | null {
  try {
    return parseDuration(String(value));
  } catch {
    return null;
  }
}
