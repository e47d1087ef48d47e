/** Timestamps on the wire are seconds (float), milliseconds (integer ≥ 1e11) or ISO 8601 (no zone: UTC). */
import { type Static, Type } from 'typebox';

/** Numbers from here on are milliseconds; below, seconds. As milliseconds this is 1973-03-03. */
export const FIRST_MILLISECONDS = 1e11;

const ISO_8601 =
  /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})?$/;

export const Timestamp = Type.Union([Type.Number(), Type.String()], {
  description: 'seconds (float), milliseconds (integer ≥ 1e11) or ISO 8601 (without a zone: UTC)',
});
export type Timestamp = Static<typeof Timestamp>;

/**
 * Milliseconds since the epoch, or `undefined` where the value is no point in time after 1973-03-03
 * (the earliest that milliseconds can say, held for all three forms so that they agree).
 */
export function parseTimestamp(value: Timestamp): number | undefined {
  const time_ms = typeof value === 'number' ? fromNumber(value) : fromText(value);
  return time_ms !== undefined && time_ms >= FIRST_MILLISECONDS && time_ms <= 8.64e15 ? time_ms : undefined;
}

function fromNumber(value: number): number | undefined {
  if (!Number.isFinite(value)) return undefined;
  return value >= FIRST_MILLISECONDS ? Math.round(value) : Math.round(value * 1000);
}

function fromText(value: string): number | undefined {
  const match = ISO_8601.exec(value.trim());
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second = '00', fraction = '', zone = 'Z'] = match;
  const offset = zone === 'Z' ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(-2)}`;
  const millis = fraction.slice(0, 3).padEnd(3, '0');
  const time_ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${millis}${offset}`);
  return Number.isNaN(time_ms) ? undefined : time_ms;
}

/** ISO 8601 in UTC with milliseconds, the form in which errata itself writes times. */
export function toIso(time_ms: number): string {
  return new Date(time_ms).toISOString();
}
