/** Why a topology does not do its work, as its workers, tasks and connectors tell; null if it does. */
import type { SourceStatus } from './source_runner.ts';
import type { WorkerStatus } from './supervisor.ts';
import type { TaskStatus } from './task.ts';

export function whyNotReady(
  workers: readonly WorkerStatus[],
  sources: readonly SourceStatus[],
): string | null {
  return notRunning(workers) ?? notComing(sources);
}

function notRunning(workers: readonly WorkerStatus[]): string | null {
  for (const { worker, phase, last_error, tasks } of workers) {
    if (phase !== 'running') return `worker ${worker} is ${phase}${last_error ? `: ${last_error}` : ''}`;
    const held = tasks.find((task) => task.phase !== 'running');
    if (held) return heldText(held);
  }
  return null;
}

function heldText({ task, phase, reason, restore }: TaskStatus): string {
  const so_far = phase === 'restoring' && restore ? ` ${restore.next_offset} of ${restore.end_offset}` : '';
  return `task ${task} is ${phase}${so_far}${reason ? `: ${reason}` : ''}`;
}

function notComing(sources: readonly SourceStatus[]): string | null {
  const failing = sources.find(({ phase }) => phase !== 'running');
  return failing ? `source ${failing.source} (${failing.kind}): ${failing.reason ?? failing.phase}` : null;
}
