/** Times as most programs write them: 2024-01-01T12:00:00, a fraction of up to nine digits, Z or ±hh:mm. */

const ZERO = 0x30;
const DASH = 0x2d;
const COLON = 0x3a;
const DOT = 0x2e;
const PLUS = 0x2b;
const LETTER_T = 0x54;
const LETTER_Z = 0x5a;
const SPACE = 0x20;

/** `YYYY-MM-DDTHH:MM:SS` */
const SECONDS_END = 19;
const DAYS_IN_MONTH = Uint8Array.of(0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31);
const DAY_MS = 86_400_000;

/** Milliseconds since the epoch; NaN for what is written in another way, or is no time. */
export function isoTime(bytes: Buffer, start: number, end: number): number {
  if (end - start < SECONDS_END || !isDateAndTime(bytes, start)) return Number.NaN;
  const date_ms = dayOf(bytes, start) * DAY_MS;
  const fraction_end = fractionEnd(bytes, start + SECONDS_END, end);
  const fraction_ms = fractionOf(bytes, start + SECONDS_END, fraction_end);
  return date_ms + clockOf(bytes, start + 11) + fraction_ms - zoneOf(bytes, fraction_end, end);
}

function isDateAndTime(bytes: Buffer, start: number): boolean {
  const separator = bytes[start + 10];
  return (
    bytes[start + 4] === DASH &&
    bytes[start + 7] === DASH &&
    (separator === LETTER_T || separator === SPACE) &&
    bytes[start + 13] === COLON &&
    bytes[start + 16] === COLON
  );
}

/** Two digits; NaN where they are none, or above `most`. */
function pair(bytes: Buffer, at: number, most: number): number {
  const tens = bytes[at]! - ZERO;
  const ones = bytes[at + 1]! - ZERO;
  const value = tens * 10 + ones;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 && value <= most ? value : Number.NaN;
}

/**
 * Days since the epoch in the proleptic Gregorian calendar, years counted from March.
 * Source: H. Hinnant, chrono-compatible low-level date algorithms, days_from_civil.
 */
function dayOf(bytes: Buffer, start: number): number {
  const year = pair(bytes, start, 99) * 100 + pair(bytes, start + 2, 99);
  const month = pair(bytes, start + 5, 12);
  const day = pair(bytes, start + 8, 31);
  const is_leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const last_day = month === 2 && is_leap ? 29 : DAYS_IN_MONTH[month];
  if (!(month >= 1 && day >= 1 && last_day !== undefined && day <= last_day)) return Number.NaN;
  const shifted = month <= 2 ? year - 1 : year;
  const day_of_year = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const leap_days = Math.floor(shifted / 4) - Math.floor(shifted / 100) + Math.floor(shifted / 400);
  return shifted * 365 + leap_days + day_of_year - 719_468;
}

/** `HH:MM:SS` in milliseconds. */
function clockOf(bytes: Buffer, at: number): number {
  return (pair(bytes, at, 23) * 3600 + pair(bytes, at + 3, 59) * 60 + pair(bytes, at + 6, 59)) * 1000;
}

function fractionEnd(bytes: Buffer, at: number, end: number): number {
  if (at === end || bytes[at] !== DOT) return at;
  let behind = at + 1;
  while (behind < end && bytes[behind]! >= ZERO && bytes[behind]! <= ZERO + 9) behind++;
  return behind;
}

/** Milliseconds; what is finer is cut off. */
function fractionOf(bytes: Buffer, at: number, end: number): number {
  if (at === end) return 0;
  const digits = end - at - 1;
  if (digits < 1 || digits > 9) return Number.NaN;
  let fraction_ms = 0;
  for (let index = 1; index <= 3; index++)
    fraction_ms = fraction_ms * 10 + (index <= digits ? bytes[at + index]! - ZERO : 0);
  return fraction_ms;
}

/** Milliseconds that local time is ahead. */
function zoneOf(bytes: Buffer, at: number, end: number): number {
  if (at === end || (at === end - 1 && bytes[at] === LETTER_Z)) return 0;
  const sign = bytes[at];
  if (end - at !== 6 || bytes[at + 3] !== COLON || (sign !== PLUS && sign !== DASH)) return Number.NaN;
  const ahead_ms = (pair(bytes, at + 1, 23) * 60 + pair(bytes, at + 4, 59)) * 60_000;
  return sign === PLUS ? ahead_ms : -ahead_ms;
}
