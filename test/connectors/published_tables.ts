/** The tables of DESIGN §1, as somebody makes them, and what stands in them. */
import type { RuledWindow } from '../e2e/published_rule.ts';
import type { BigQueryEmulator, Column } from '../harness/bigquery_emulator.ts';

const USER_FEEDBACK: Column[] = [
  { name: 'session_id', type: 'STRING' },
  { name: 'prediction_id', type: 'STRING', mode: 'REQUIRED' },
  { name: 'feedback_type', type: 'STRING' },
  { name: 'rating', type: 'INTEGER' },
  { name: 'comment', type: 'STRING' },
  { name: 'user_action', type: 'STRING' },
  { name: 'time_to_action', type: 'FLOAT' },
  { name: 'timestamp', type: 'TIMESTAMP' },
];

const PATTERNS: Column[] = [
  { name: 'window_start', type: 'TIMESTAMP' },
  { name: 'window_end', type: 'TIMESTAMP' },
  { name: 'total_events', type: 'INTEGER' },
  { name: 'error_rate', type: 'FLOAT' },
  { name: 'patterns', type: 'STRING' },
  { name: 'severity', type: 'STRING' },
  { name: 'recommended_action', type: 'STRING' },
];

export async function makePublishedTables(emulator: BigQueryEmulator): Promise<void> {
  await emulator.createTable('loop.user_feedback', USER_FEEDBACK);
  await emulator.createTable('feedback_analysis.patterns', PATTERNS);
}

interface Time {
  value: string;
}

export interface FeedbackRow {
  session_id: string;
  prediction_id: string;
  feedback_type: string;
  rating: number | null;
  comment: string | null;
  user_action: string | null;
  time_to_action: number | null;
  timestamp: string;
}

export async function userFeedback(emulator: BigQueryEmulator): Promise<FeedbackRow[]> {
  type Row = Omit<FeedbackRow, 'timestamp'> & { timestamp: Time };
  const rows = await emulator.rows<Row>('select * from loop.user_feedback order by prediction_id');
  return rows.map((row) => ({ ...row, timestamp: row.timestamp.value }));
}

/** By the start of the window. */
export async function patternRows(emulator: BigQueryEmulator): Promise<[string, RuledWindow][]> {
  type Row = Omit<RuledWindow, 'patterns'> & { window_start: Time; window_end: Time; patterns: string };
  const rows = await emulator.rows<Row>('select * from feedback_analysis.patterns order by window_start');
  return rows.map(({ window_start, window_end, patterns, ...said }) => {
    const minutes = (Date.parse(window_end.value) - Date.parse(window_start.value)) / 60_000;
    if (minutes !== 5) throw new Error(`a window of ${minutes} minutes`);
    return [window_start.value, { ...said, patterns: JSON.parse(patterns) }];
  });
}

export async function countOf(emulator: BigQueryEmulator, table: string): Promise<number> {
  const [row] = await emulator.rows<{ n: number }>(`select count(*) as n from ${table}`);
  return row!.n;
}
