/** For tests: what holds of every scan. */
import assert from 'node:assert/strict';
import { decode } from '../decode.ts';
import type { RecordScanner } from '../record_scanner.ts';

export const TEXTS = [
  'prediction_id',
  'event_id',
  'session_id',
  'user_id',
  'deployment_id',
  'model_version',
] as const;
export const NUMBERS = ['rating', 'time_to_action', 'latency_ms', 'server_load'] as const;
const STATS = ['mean', 'std', 'min', 'max'] as const;

/** True where the scanner took the record: then decode() takes it too, and says the same. */
export function agrees(scanner: RecordScanner, record: Buffer, around = Buffer.alloc(0)): boolean {
  const bytes = Buffer.concat([around, record, around]);
  const start = around.length;
  if (!scanner.scan(bytes, start, start + record.length)) return false;
  const decoded = decode(record);
  const shown = record.toString();
  assert(decoded.kind !== 'bad', `decode() refuses what was scanned: ${shown}`);
  assert.equal(scanner.kind === 1 ? 'prediction' : 'feedback', decoded.kind, shown);
  if (decoded.kind === 'feedback')
    assert.equal(scanner.is_explicit, decoded.value.feedback_type === 'explicit', shown);
  assertSame(scanner.time_ms, decoded.time_ms, `time of ${shown}`);
  const value = decoded.value as unknown as Record<string, unknown>;
  for (const name of TEXTS)
    assertSame(textOf(scanner, name), value[name] ?? undefined, `${name} of ${shown}`);
  for (const name of NUMBERS) assertSame(scanner[name], value[name] ?? Number.NaN, `${name} of ${shown}`);
  const stats = value.input_stats as Record<string, unknown> | null | undefined;
  assert.equal(scanner.has_stats, (stats ?? undefined) !== undefined, shown);
  for (const name of STATS)
    assertSame(scanner[`stats_${name}`], stats?.[name] ?? Number.NaN, `${name} of ${shown}`);
  return true;
}

function textOf(scanner: RecordScanner, name: (typeof TEXTS)[number]): string | undefined {
  const start = scanner[`${name}_start`];
  return start < 0 ? undefined : scanner.bytes.toString('utf8', start, scanner[`${name}_end`]);
}

function assertSame(actual: unknown, expected: unknown, what: string): void {
  assert(Object.is(actual, expected), `${what}: ${actual}, not ${expected}`);
}
