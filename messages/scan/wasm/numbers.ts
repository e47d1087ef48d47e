/** Numbers: their grammar, and decimal → the nearest double, as Number() gives it. */
import { byteAt, DOT, LOWER_E, MINUS, PLUS, ZERO } from './bytes';

/** Number() of the bytes from `start` to `end`, for what is rare. */
declare function spelled(start: i32, end: i32): f64;

const NUMBER_MAX_BYTES: i32 = 100;
/** Numbers of no more bytes and a power of ten of no more are finite; what is too small is 0. */
const EXPONENT_MAX: i32 = 99;
const NEGATIVE_EXPONENT_MAX: i32 = 999;

/** Of the number gone through last: ± mantissa × 10^exponent, exact where it has no more than 19 digits. */
let mantissa: u64 = 0;
let exponent: i32 = 0;
let digits: i32 = 0;

/** 0 also for what may be too large for a double. */
export function behindNumber(start: i32): i32 {
  const first = byteAt(start) === MINUS ? start + 1 : start;
  let at = first;
  let sum: u64 = 0;
  let digit: u32 = byteAt(at) - ZERO;
  while (digit <= 9) {
    sum = sum * 10 + digit;
    digit = byteAt(++at) - ZERO;
  }
  digits = at - first;
  exponent = 0;
  if (digits === 0 || (digits > 1 && byteAt(first) === ZERO)) return 0;
  if (byteAt(at) === DOT) {
    const fraction = ++at;
    digit = byteAt(at) - ZERO;
    while (digit <= 9) {
      sum = sum * 10 + digit;
      digit = byteAt(++at) - ZERO;
    }
    exponent = fraction - at;
    if (exponent === 0) return 0;
    digits -= exponent;
  }
  mantissa = sum;
  if (at - start > NUMBER_MAX_BYTES) return 0;
  return (byteAt(at) | 0x20) === LOWER_E ? behindExponent(at + 1) : at;
}

function behindExponent(start: i32): i32 {
  const sign = byteAt(start);
  const first = sign === MINUS || sign === PLUS ? start + 1 : start;
  let at = first;
  let sum = 0;
  let digit: u32 = byteAt(at) - ZERO;
  while (digit <= 9) {
    if (sum <= NEGATIVE_EXPONENT_MAX) sum = sum * 10 + digit;
    digit = byteAt(++at) - ZERO;
  }
  exponent += sign === MINUS ? -sum : sum;
  return at > first && sum <= (sign === MINUS ? NEGATIVE_EXPONENT_MAX : EXPONENT_MAX) ? at : 0;
}

const POWERS_OF_TEN: usize = memory.data<f64>([
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
  1e20, 1e21, 1e22,
]);
const POWER_MAX: i32 = 22;
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;
/** Of so many digits the mantissa splits into two that doubles hold exactly. */
const DIGITS_MAX: i32 = 18;
const HALF: u64 = 1_000_000_000;

/** The number gone through last, which stands there. */
export function numberAt(start: i32, behind: i32): f64 {
  const is_negative = byteAt(start) === MINUS;
  const value = magnitude(is_negative ? start + 1 : start, behind);
  return is_negative ? -value : value;
}

/**
 * Integers and powers of ten that doubles hold exactly give the nearest double by one operation.
 * Source: W. D. Clinger, How to read floating point numbers accurately, 1990.
 */
function magnitude(first: i32, behind: i32): f64 {
  if (exponent < -POWER_MAX || exponent > POWER_MAX) return spelled(first, behind);
  if (digits > DIGITS_MAX && digits - leadingZeros(first) > DIGITS_MAX) return spelled(first, behind);
  if (mantissa > MAX_SAFE_INTEGER) return longMagnitude(first, behind);
  const value = <f64>mantissa;
  return exponent < 0 ? value / powerOfTen(-exponent) : value * powerOfTen(exponent);
}

/** 16 to 18 digits, as they come of doubles printed in full. */
function longMagnitude(first: i32, behind: i32): f64 {
  if (exponent > 0) return spelled(first, behind);
  const high = <f64>(mantissa / HALF) * <f64>HALF;
  const quotient = divide(high, <f64>(mantissa % HALF), powerOfTen(-exponent));
  return isNaN(quotient) ? spelled(first, behind) : quotient;
}

function powerOfTen(power: i32): f64 {
  return load<f64>(POWERS_OF_TEN + 8 * power);
}

function leadingZeros(first: i32): i32 {
  let zeros = 0;
  let at = first;
  while (byteAt(at) === ZERO || byteAt(at) === DOT) {
    if (byteAt(at) === ZERO) zeros++;
    at++;
  }
  return zeros;
}

/** For splitting a double in halves: 2^27 + 1. */
const SPLITTER: f64 = 134_217_729;
/** Much more than what the quotient's second part may be off, relative to the first: 2^-96. */
const DOUBT: f64 = 1.262177448353619e-29;

/**
 * (`high` + `low`) / `divisor`, all exact and `high` the larger; NaN where too close to the middle of two doubles to tell.
 * Source: T. J. Dekker, A floating-point technique for extending the available precision, 1971; the test at the end: A. Ziv,
 * Fast evaluation of elementary mathematical functions with correctly rounded last bit, 1991.
 */
function divide(high: f64, low: f64, divisor: f64): f64 {
  const sum = high + low;
  const rest = low - (sum - high);
  const first = sum / divisor;
  const product = first * divisor;
  const second = (sum - product - productError(first, divisor, product) + rest) / divisor;
  const doubt = first * DOUBT;
  const nearest = first + (second + doubt);
  return nearest === first + (second - doubt) ? nearest : NaN;
}

/** What the product of `a` and `b` lost when it was rounded. */
function productError(a: f64, b: f64, product: f64): f64 {
  const a_split = SPLITTER * a;
  const a_high = a_split - (a_split - a);
  const a_low = a - a_high;
  const b_split = SPLITTER * b;
  const b_high = b_split - (b_split - b);
  const b_low = b - b_high;
  return a_low * b_low - (product - a_high * b_high - a_low * b_high - a_high * b_low);
}
