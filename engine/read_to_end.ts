/** Reads one partition from its start to the last stable offset that it has then; markers and aborted records count. */
import type { LogReader } from './log_reader.ts';
import { type LogRecord, recordsIn } from './partition_reader.ts';

/**
 * Resolves to the number of records; rejects with what `onRecord` throws, or the signal's reason. A broker that is
 * away is waited for.
 */
export function readToEnd(
  reader: LogReader,
  topic: string,
  partition: number,
  onRecord: (record: LogRecord) => void,
  signal?: AbortSignal,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let records = 0;
    const end = (finish: () => void) => {
      reader.remove(topic, partition);
      signal?.removeEventListener('abort', onAbort);
      finish();
    };
    const onAbort = () => end(() => reject(signal?.reason));
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    signal?.addEventListener('abort', onAbort);
    reader.add(topic, partition, 0, {
      wantsMore: () => true,
      onChunk: (chunk, end_offset) => {
        try {
          for (const record of recordsIn(chunk)) {
            onRecord(record);
            records++;
          }
        } catch (error) {
          end(() => reject(error));
          return;
        }
        if (chunk.next_offset >= end_offset) end(() => resolve(records));
      },
      onOutOfRange: (_, log_start_offset) => reader.seek(topic, partition, log_start_offset),
      onUnhealthy: () => undefined,
    });
  });
}
