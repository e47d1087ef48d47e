import type { BadRecord } from '../../actors/actor.ts';

/** For the dead letter of a row that BigQuery itself refused. */
export function refusedRow(message: string): BadRecord {
  return { code: 'bigquery_refused', message: `BigQuery refuses the row: ${message}` };
}
