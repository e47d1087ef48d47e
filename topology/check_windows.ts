/** How long windows, joins and sources wait for each other. */
import type { WindowConfig } from '../actors/window_config.ts';
import { correctedFor, provisionalMs, windowKind } from '../actors/window_kind.ts';
import { parseDuration } from '../messages/duration.ts';
import { ErrataError } from '../messages/errata_error.ts';
import type { Draft, DraftActor, LintContext } from './draft.ts';
import type { Links } from './link.ts';
import { windowsBehind } from './windows.ts';

export function checkWindows(draft: Draft, links: Links, context: LintContext): void {
  for (const actor of draft.actors) if (actor.kind?.kind === 'window') checkKind(actor, context);
  for (const actor of draft.actors) {
    if (actor.kind?.kind !== 'capture') continue;
    const windows = windowsBehind(actor.name, draft, links);
    for (const window of windows) checkLateness(actor, window, context);
    checkIdle(windows, context);
  }
}

const KINDS = ['tumbling', 'hopping', 'session'];

function checkKind(window: DraftActor, { document, problems }: LintContext): void {
  const [kind, ...others] = window.given.filter((name) => KINDS.includes(name));
  for (const other of others)
    problems.report(
      'E_WINDOW_KIND',
      document.keyAt([...window.path, other]),
      `"${window.name}" is ${kind} already; for ${other} windows too, add another actor`,
    );
  const config = window.config as WindowConfig;
  const position = document.valueAt(kind ? [...window.path, kind] : window.path);
  try {
    provisionalMs(config);
    const needed = windowsPerKey(config);
    if (needed <= config.max_open_windows) return;
    const message = `a key of "${window.name}" has up to ${needed} windows open, ${config.max_open_windows} are allowed in a task`;
    problems.report('W_OPEN_WINDOWS', position, message);
  } catch (error) {
    // What is no duration at all the schema has reported.
    if (error instanceof ErrataError && error.code === 'E_WINDOW_SIZE')
      problems.report('E_WINDOW_SIZE', position, `"${window.name}": ${error.message}`);
  }
}

/** Open at one time where events come all the time: what is not over yet, and what may still be corrected. */
function windowsPerKey(config: WindowConfig): number {
  const kind = windowKind(config);
  const open_ms =
    parseDuration(correctedFor(config)) + (kind.type === 'session' ? kind.gap_ms : kind.size_ms);
  return Math.ceil(open_ms / (kind.type === 'session' ? kind.slice_ms : kind.every_ms));
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
