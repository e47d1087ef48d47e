/**
 * Times of the wire in milliseconds since the epoch, as parseTimestamp of timestamp.ts gives them; NaN: none, or written in an unusual
 * way.
 */

import { FIRST_TIME_MS, LAST_TIME_MS } from '../layout';
import { byteAt, COLON, DOT, isDigit, MINUS, PLUS, SPACE, UPPER_T, UPPER_Z, ZERO } from './bytes';

/** `YYYY-MM-DDTHH:MM:SS` */
const SECONDS_END: i32 = 19;
const FRACTION_DIGITS_MAX: i32 = 9;
const DAY_MS: f64 = 86_400_000;

/** From here on a number is milliseconds, below seconds. */
export function timeOfNumber(value: f64): f64 {
  const time_ms = value >= load<f64>(FIRST_TIME_MS) ? rounded(value) : rounded(value * 1000);
  return inTime(time_ms);
}

/** As Math.round: a half goes up. */
function rounded(value: f64): f64 {
  const whole = floor(value);
  return value - whole >= 0.5 ? whole + 1 : whole;
}

function inTime(time_ms: f64): f64 {
  return time_ms >= load<f64>(FIRST_TIME_MS) && time_ms <= load<f64>(LAST_TIME_MS) ? time_ms : NaN;
}

/** 2024-01-01T12:00:00, a fraction of up to nine digits, Z or ±hh:mm. */
export function timeOfText(start: i32, end: i32): f64 {
  if (end - start < SECONDS_END || !isDateAndTime(start)) return NaN;
  const fraction_end = fractionEnd(start + SECONDS_END, end);
  const fraction_ms = fractionOf(start + SECONDS_END, fraction_end);
  const zone_ms = zoneOf(fraction_end, end);
  return inTime(dayOf(start) * DAY_MS + clockOf(start + 11) + fraction_ms - zone_ms);
}

function isDateAndTime(start: i32): bool {
  const separator = byteAt(start + 10);
  return (
    byteAt(start + 4) === MINUS &&
    byteAt(start + 7) === MINUS &&
    (separator === UPPER_T || separator === SPACE) &&
    byteAt(start + 13) === COLON &&
    byteAt(start + 16) === COLON
  );
}

/** Two digits; NaN where they are none, or above `most`. */
function pair(at: i32, most: i32): f64 {
  const tens = byteAt(at) - ZERO;
  const ones = byteAt(at + 1) - ZERO;
  const value = tens * 10 + ones;
  return <u32>tens <= 9 && <u32>ones <= 9 && value <= most ? <f64>value : NaN;
}

/**
 * Days since the epoch in the proleptic Gregorian calendar, years counted from March.
 * Source: H. Hinnant, chrono-compatible low-level date algorithms, days_from_civil.
 */
function dayOf(start: i32): f64 {
  const year = pair(start, 99) * 100 + pair(start + 2, 99);
  const month = pair(start + 5, 12);
  const day = pair(start + 8, 31);
  if (!(year >= 0 && month >= 1 && day >= 1 && day <= lastDay(year, month))) return NaN;
  const shifted = month <= 2 ? year - 1 : year;
  const day_of_year = floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const leap_days = floor(shifted / 4) - floor(shifted / 100) + floor(shifted / 400);
  return shifted * 365 + leap_days + day_of_year - 719_468;
}

function lastDay(year: f64, month: f64): f64 {
  if (month === 2) return isLeap(<i32>year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function isLeap(year: i32): bool {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/** `HH:MM:SS` in milliseconds. */
function clockOf(at: i32): f64 {
  return (pair(at, 23) * 3600 + pair(at + 3, 59) * 60 + pair(at + 6, 59)) * 1000;
}

function fractionEnd(at: i32, end: i32): i32 {
  if (at === end || byteAt(at) !== DOT) return at;
  let behind = at + 1;
  while (behind < end && isDigit(byteAt(behind))) behind++;
  return behind;
}

/** Milliseconds; what is finer is cut off. */
function fractionOf(at: i32, end: i32): f64 {
  if (at === end) return 0;
  const digits = end - at - 1;
  if (digits < 1 || digits > FRACTION_DIGITS_MAX) return NaN;
  let fraction_ms = 0;
  for (let index = 1; index <= 3; index++)
    fraction_ms = fraction_ms * 10 + (index <= digits ? byteAt(at + index) - ZERO : 0);
  return fraction_ms;
}

/** Milliseconds that local time is ahead. */
function zoneOf(at: i32, end: i32): f64 {
  if (at === end || (at === end - 1 && byteAt(at) === UPPER_Z)) return 0;
  const sign = byteAt(at);
  if (end - at !== 6 || byteAt(at + 3) !== COLON || (sign !== PLUS && sign !== MINUS)) return NaN;
  const ahead_ms = (pair(at + 1, 23) * 60 + pair(at + 4, 59)) * 60_000;
  return sign === PLUS ? ahead_ms : -ahead_ms;
}
