/** Reads one partition, from its start or an offset, to the last stable offset that it has then; markers and aborted records count. */

import { ErrataError } from '../messages/errata_error.ts';
import type { LogReader } from './log_reader.ts';
import { type LogRecord, recordsIn } from './partition_reader.ts';

export interface ReadToEndOptions {
  from_offset?: number;
  /** After each answer of the broker. */
  onProgress?(next_offset: number, end_offset: number): void;
  signal?: AbortSignal;
}

/**
 * Resolves to the number of records; rejects with what `onRecord` throws, the signal's reason, or with
 * E_OFFSET_OUT_OF_RANGE where the log does not have `from_offset`. A broker that is away is waited for.
 */
export function readToEnd(
  reader: LogReader,
  topic: string,
  partition: number,
  onRecord: (record: LogRecord) => void,
  { from_offset = 0, onProgress, signal }: ReadToEndOptions = {},
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
    reader.add(topic, partition, from_offset, {
      wantsMore: () => true,
      onChunk: (chunk, end_offset) => {
        try {
          for (const record of recordsIn(chunk)) {
            onRecord(record);
            records++;
          }
          onProgress?.(chunk.next_offset, end_offset);
        } catch (error) {
          end(() => reject(error));
          return;
        }
        if (chunk.next_offset >= end_offset) end(() => resolve(records));
      },
      onOutOfRange: (_, log_start_offset) => {
        if (from_offset === 0) reader.seek(topic, partition, log_start_offset);
        else end(() => reject(outOfRange(topic, partition, from_offset)));
      },
      onUnhealthy: () => undefined,
    });
  });
}

function outOfRange(topic: string, partition: number, offset: number): ErrataError {
  return new ErrataError('E_OFFSET_OUT_OF_RANGE', `${topic}/${partition} does not have offset ${offset}`);
}
