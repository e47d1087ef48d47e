/**
 * Bytes from outside → JSON object, or why not. Everything that parses must be safe to hand on: no key that other
 * programs mistake for a prototype, no text that is not Unicode, no number that JSON cannot say, no depth that
 * overflows a stack.
 */
import { isUtf8 } from 'node:buffer';
import { errorMessage } from './errata_error.ts';

export const MAX_NESTING = 64;

export interface Refusal {
  kind: 'bad';
  /** Stable. */
  code: string;
  /** For a person. */
  message: string;
}

export function refuse(code: string, message: string): Refusal {
  return { kind: 'bad', code, message };
}

export type JsonObject = Record<string, unknown>;
export type ParsedJson = { kind: 'object'; value: JsonObject } | Refusal;

export function parseJsonObject(bytes: Buffer | null, max_bytes: number): ParsedJson {
  if (bytes === null) return refuse('null_value', 'the record has no value');
  if (bytes.length > max_bytes) {
    return refuse('oversized', `the record has ${bytes.length} bytes, ${max_bytes} are allowed`);
  }
  if (!isUtf8(bytes)) return refuse('invalid_utf8', 'the record is not UTF-8 text');
  const scan = scanBytes(bytes);
  if (scan === 'too_deep') {
    return refuse('nested_too_deep', `the record nests deeper than ${MAX_NESTING} levels`);
  }
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  if (text.trim() === '') return refuse('empty', 'the record is empty');
  return parseText(text, scan === 'suspicious' || SUSPICIOUS_WORDS.some((word) => text.includes(word)));
}

function parseText(text: string, is_suspicious: boolean): ParsedJson {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    return refuse('not_json', `the record is not JSON: ${errorMessage(thrown)}`);
  }
  if (Array.isArray(value)) return refuse('is_array', 'the record is an array, not one object');
  if (typeof value !== 'object' || value === null) {
    return refuse('not_an_object', `the record is ${value === null ? 'null' : `a bare ${typeof value}`}`);
  }
  if (is_suspicious) {
    const refusal = findUnsafe(value, 'the record');
    if (refusal) return refusal;
  }
  return { kind: 'object', value: value as JsonObject };
}

const SUSPICIOUS_WORDS = ['__proto__', 'constructor'];

function findUnsafe(value: unknown, where: string): Refusal | undefined {
  if (typeof value === 'string' && !value.isWellFormed()) {
    return refuse('lone_surrogate', `${where} holds half of a surrogate pair`);
  }
  if (typeof value === 'number' && !Number.isFinite(value)) {
    return refuse('not_finite', `${where} is a number too large for a double`);
  }
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const refusal = unsafeKey(key, inner, where) ?? findUnsafe(inner, key);
    if (refusal) return refusal;
  }
  return undefined;
}

/** `constructor` is a word like others; only with `prototype` inside is it the way to a prototype. */
function unsafeKey(key: string, inner: unknown, where: string): Refusal | undefined {
  if (key === '__proto__') return refuse('forbidden_key', `${where} has the key __proto__`);
  if (
    key === 'constructor' &&
    typeof inner === 'object' &&
    inner !== null &&
    Object.hasOwn(inner, 'prototype')
  ) {
    return refuse('forbidden_key', `${where} has the key constructor.prototype`);
  }
  return key.isWellFormed()
    ? undefined
    : refuse('lone_surrogate', `a key of ${where} holds half of a surrogate pair`);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const LOWER_E = 0x65;
const UPPER_E = 0x45;
const LOWER_U = 0x75;
/** A number of fewer digits and no exponent is finite. */
const MANY_DIGITS = 300;

/**
 * Before parsing, without recursion: brackets outside of strings, and whether there is an escaped character, an exponent
 * or a very long number. Most records have none of these and are spared the walk that looks for what is unsafe.
 */
function scanBytes(bytes: Buffer): 'plain' | 'suspicious' | 'too_deep' {
  let depth = 0;
  let digits = 0;
  let is_suspicious = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) {
      for (at++; at < bytes.length && bytes[at] !== QUOTE; at++) {
        if (bytes[at] === BACKSLASH && bytes[++at] === LOWER_U) is_suspicious = true;
      }
      digits = 0;
    } else if (byte >= DIGIT_0 && byte <= DIGIT_9) {
      if (++digits >= MANY_DIGITS) is_suspicious = true;
    } else {
      if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (++depth > MAX_NESTING) return 'too_deep';
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--;
      else if (digits > 0 && (byte === LOWER_E || byte === UPPER_E)) is_suspicious = true;
      digits = 0;
    }
  }
  return is_suspicious ? 'suspicious' : 'plain';
}
