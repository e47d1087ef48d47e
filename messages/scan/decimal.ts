/**
 * Decimal → the nearest double, as Number() gives it, without making a string where that can be avoided.
 */

const POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

const ZERO = 0x30;
const NINE = 0x39;
const LOWER_E = 0x65;
const UPPER_E = 0x45;

/**
 * The number that `bytes` spell from `start` to `end`, of which `mantissa` × 10^`exponent` is the magnitude; `mantissa` may be off
 * where it is too large to be exact. Integers and powers of ten that doubles hold exactly give the nearest double by one
 * operation. Source: W. D. Clinger, How to read floating point numbers accurately, 1990.
 */
export function toDouble(
  bytes: Buffer,
  start: number,
  end: number,
  mantissa: number,
  exponent: number,
): number {
  if (exponent < -22 || exponent > 22) return spelled(bytes, start, end);
  if (mantissa > Number.MAX_SAFE_INTEGER) return longToDouble(bytes, start, end, exponent);
  return exponent < 0 ? mantissa / POWERS_OF_TEN[-exponent]! : mantissa * POWERS_OF_TEN[exponent]!;
}

function spelled(bytes: Buffer, start: number, end: number): number {
  return Number(bytes.toString('latin1', start, end));
}

/** Digits of each half of a long mantissa. */
const HALF = 9;

/** 16 to 18 digits, as they come of doubles printed in full. */
function longToDouble(bytes: Buffer, start: number, end: number, exponent: number): number {
  let high = 0;
  let low = 0;
  let digits = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === LOWER_E || byte === UPPER_E) break;
    if (byte < ZERO || byte > NINE || (byte === ZERO && digits === 0)) continue;
    if (digits++ < HALF) high = high * 10 + (byte - ZERO);
    else low = low * 10 + (byte - ZERO);
  }
  if (digits > 2 * HALF || exponent > 0) return spelled(bytes, start, end);
  const quotient = divide(high * POWERS_OF_TEN[digits - HALF]!, low, POWERS_OF_TEN[-exponent]!);
  return Number.isNaN(quotient) ? spelled(bytes, start, end) : quotient;
}

/** For splitting a double in halves: 2^27 + 1. */
const SPLITTER = 134_217_729;
/** Much more than what the quotient's second part may be off, relative to the first: 2^-96. */
const DOUBT = 2 ** -96;

/**
 * (`high` + `low`) / `divisor`, all exact and `high` the larger; NaN where too close to the middle of two doubles to tell.
 * Source: T. J. Dekker, A floating-point technique for extending the available precision, 1971; the test at the end: A. Ziv,
 * Fast evaluation of elementary mathematical functions with correctly rounded last bit, 1991.
 */
function divide(high: number, low: number, divisor: number): number {
  const sum = high + low;
  const rest = low - (sum - high);
  const first = sum / divisor;
  const product = first * divisor;
  const second = (sum - product - productError(first, divisor, product) + rest) / divisor;
  const doubt = first * DOUBT;
  const nearest = first + (second + doubt);
  return nearest === first + (second - doubt) ? nearest : Number.NaN;
}

/** What the product of `a` and `b` lost when it was rounded. */
function productError(a: number, b: number, product: number): number {
  const a_split = SPLITTER * a;
  const a_high = a_split - (a_split - a);
  const a_low = a - a_high;
  const b_split = SPLITTER * b;
  const b_high = b_split - (b_split - b);
  const b_low = b - b_high;
  return a_low * b_low - (product - a_high * b_high - a_low * b_high - a_high * b_low);
}
