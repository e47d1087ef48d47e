/** Fills a task's state from its changelog: up to the last stable offset, markers and aborted records included. */
import type { LogReader } from './log_reader.ts';
import { FORMAT_HEADER } from './record_format.ts';
import type { TaskState } from './state.ts';

/** Resolves to the number of records read. Rejects with E_STATE_VERSION or what broke a record. */
export function restoreState(
  reader: LogReader,
  changelog: string,
  partition: number,
  state: TaskState,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let records = 0;
    const end = (finish: () => void) => {
      reader.remove(changelog, partition);
      finish();
    };
    reader.add(changelog, partition, 0, {
      wantsMore: () => true,
      onChunk: (chunk, end_offset) => {
        try {
          for (const { key, value, headers } of chunk.records)
            state.restore(
              key?.toString('utf8') ?? '',
              value?.toString('utf8') ?? null,
              headers[FORMAT_HEADER],
            );
        } catch (error) {
          end(() => reject(error));
          return;
        }
        records += chunk.records.length;
        if (chunk.next_offset >= end_offset) end(() => resolve(records));
      },
      onOutOfRange: (_, log_start_offset) => reader.seek(changelog, partition, log_start_offset),
      onUnhealthy: () => undefined,
    });
  });
}
