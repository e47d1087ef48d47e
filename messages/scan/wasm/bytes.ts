/** Bytes of ASCII that mean something. */
export const TAB: i32 = 0x09;
export const LINE_FEED: i32 = 0x0a;
export const CARRIAGE_RETURN: i32 = 0x0d;
export const SPACE: i32 = 0x20;
export const QUOTE: i32 = 0x22;
export const PLUS: i32 = 0x2b;
export const COMMA: i32 = 0x2c;
export const MINUS: i32 = 0x2d;
export const DOT: i32 = 0x2e;
export const SLASH: i32 = 0x2f;
export const ZERO: i32 = 0x30;
export const COLON: i32 = 0x3a;
export const UPPER_T: i32 = 0x54;
export const UPPER_Z: i32 = 0x5a;
export const OPEN_BRACKET: i32 = 0x5b;
export const BACKSLASH: i32 = 0x5c;
export const CLOSE_BRACKET: i32 = 0x5d;
export const LOWER_B: i32 = 0x62;
export const LOWER_E: i32 = 0x65;
export const LOWER_F: i32 = 0x66;
export const LOWER_N: i32 = 0x6e;
export const LOWER_R: i32 = 0x72;
export const LOWER_T: i32 = 0x74;
export const OPEN_BRACE: i32 = 0x7b;
export const CLOSE_BRACE: i32 = 0x7d;

export function byteAt(at: i32): i32 {
  return load<u8>(at);
}

/** JSON knows no other white space. */
export function isSpace(byte: i32): bool {
  return byte === SPACE || byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === TAB;
}

export function isDigit(byte: i32): bool {
  return <u32>(byte - ZERO) <= 9;
}
