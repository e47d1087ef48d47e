/**
 * Opens the state of a task and makes it whole: what the changelog has that the store does not. In memory that is all
 * of it, on disk what came after the store was last written.
 */
import type { Logger } from 'pino';
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import type { StoreIdentity } from './disk_store.ts';
import type { LogReader } from './log_reader.ts';
import type { StatePlan } from './plan.ts';
import { readToEnd } from './read_to_end.ts';
import { FORMAT_HEADER } from './record_format.ts';
import { type StateBackend, TaskState } from './state.ts';

/** Offsets of the changelog: how far it is, and how far it has to go. */
export interface RestoreProgress {
  from_offset: number;
  next_offset: number;
  end_offset: number;
  records: number;
  records_per_s: number;
}

export interface RestorePorts {
  reader: LogReader;
  now(): number;
  log: Logger;
  signal: AbortSignal;
  onProgress(progress: RestoreProgress): void;
}

const LOG_INTERVAL_MS = 5_000;

/** Rejects with the signal's reason, E_STATE_VERSION or E_STATE_STORE; the state is closed then. */
export async function restoreState(
  plan: StatePlan,
  changelog: Omit<StoreIdentity, 'path'>,
  ports: RestorePorts,
): Promise<TaskState> {
  const { log } = ports;
  for (;;) {
    const backend = await openBackend(plan, changelog, ports);
    const state = new TaskState(backend);
    try {
      await replay(state, changelog, ports);
      return state;
    } catch (error) {
      if (!isOutOfRange(error)) {
        await state.close().catch((cause) => log.warn({ error: errorMessage(cause) }, 'state not closed'));
        throw error;
      }
      log.warn({ error: error.message }, 'the store is ahead of its changelog: it is thrown away');
      await backend?.discard();
    }
  }
}

/** Undefined: in memory. */
async function openBackend(
  plan: StatePlan,
  changelog: Omit<StoreIdentity, 'path'>,
  { now, log }: RestorePorts,
): Promise<StateBackend | undefined> {
  if (plan.store === 'memory') return undefined;
  // Not even loaded where nobody wants it.
  const { DiskStore } = await import('./disk_store.ts');
  const { store, discarded } = await DiskStore.open({ ...changelog, path: plan.path }, now);
  if (discarded !== null) log.warn({ folder: store.folder, why: discarded }, 'a store is thrown away');
  return store;
}

async function replay(
  state: TaskState,
  { changelog, partition }: Omit<StoreIdentity, 'path'>,
  ports: RestorePorts,
): Promise<void> {
  const { reader, now, log, signal } = ports;
  const from_offset = state.backend.next_offset;
  const started_ms = now();
  let told_ms = started_ms;
  let records = 0;
  const restored = await readToEnd(
    reader,
    changelog,
    partition,
    ({ key, value, headers }) => {
      records++;
      const json = value?.toString('utf8') ?? null;
      state.restore(key?.toString('utf8') ?? '', json, headers[FORMAT_HEADER]);
    },
    {
      from_offset,
      signal,
      onProgress: (next_offset, end_offset) => {
        state.backend.reached(next_offset);
        const records_per_s = Math.round((records / Math.max(now() - started_ms, 1)) * 1_000);
        const progress = { from_offset, next_offset, end_offset, records, records_per_s };
        ports.onProgress(progress);
        if (now() - told_ms < LOG_INTERVAL_MS) return;
        told_ms = now();
        log.info(progress, 'restoring state');
      },
    },
  );
  const took_ms = now() - started_ms;
  if (restored > 0) log.info({ records, from_offset, entries: state.size, took_ms }, 'state restored');
}

function isOutOfRange(error: unknown): error is ErrataError {
  return error instanceof ErrataError && error.code === 'E_OFFSET_OUT_OF_RANGE';
}
