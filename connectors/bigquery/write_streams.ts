/** BigQuery's write streams of type COMMITTED, as far as exactly once stands on them. */

export interface WriteStreams<Row> {
  /** Names the table that all streams are of. */
  readonly table: string;
  /** The name of a new, empty stream. */
  create(): Promise<string>;
  /** Rejects where the outcome is unknown or waiting may help. */
  append(stream: string, rows: readonly Row[], offset: number): Promise<Appended>;
  /** Nothing can be appended to the stream from now on, by nobody; resolves to the rows that it has got, null where it is gone. */
  seal(stream: string): Promise<number | null>;
  close(): void;
}

export type Appended =
  | { type: 'written' }
  /** None was written, because of these. */
  | { type: 'refused'; rows: { index: number; message: string }[] }
  /** None was written, and BigQuery does not say which it takes exception to. */
  | { type: 'invalid'; message: string }
  /** The stream is not where we think it is: sealed by another, gone, further on or not as far. */
  | { type: 'displaced'; message: string };
