import { byteAt } from './bytes';

/**
 * How many bytes the character beyond ASCII that starts at `at` takes, 0 where it is not UTF-8. A byte that is no part of
 * it must follow somewhere behind. Source: The Unicode Standard, table 3-7 (no overlong forms, no surrogates).
 */
export function characterBytes(at: i32): i32 {
  const first = byteAt(at);
  if (first < 0xc2 || first > 0xf4) return 0;
  const second = byteAt(at + 1);
  if (first < 0xe0) return isContinuation(second) ? 2 : 0;
  if (!isSecond(first, second) || !isContinuation(byteAt(at + 2))) return 0;
  if (first < 0xf0) return 3;
  return isContinuation(byteAt(at + 3)) ? 4 : 0;
}

function isContinuation(byte: i32): bool {
  return (byte & 0xc0) === 0x80;
}

function isSecond(first: i32, second: i32): bool {
  if (first === 0xe0) return second >= 0xa0 && second <= 0xbf;
  if (first === 0xed) return second >= 0x80 && second <= 0x9f;
  if (first === 0xf0) return second >= 0x90 && second <= 0xbf;
  if (first === 0xf4) return second >= 0x80 && second <= 0x8f;
  return isContinuation(second);
}
