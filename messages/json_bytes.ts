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
  if (nestsTooDeep(bytes)) {
    return refuse('nested_too_deep', `the record nests deeper than ${MAX_NESTING} levels`);
  }
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  if (text.trim() === '') return refuse('empty', 'the record is empty');
  return parseText(text);
}

function parseText(text: string): ParsedJson {
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
  if (SUSPICIOUS.test(text)) {
    const refusal = findUnsafe(value, 'the record');
    if (refusal) return refusal;
  }
  return { kind: 'object', value: value as JsonObject };
}

/** Only text that matches can hold what `findUnsafe` looks for, so that most records are spared the walk. */
const SUSPICIOUS = /\\u|__proto__|constructor|\d[eE]\+?\d{3}|\d{200}/;

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

/** Before parsing: brackets outside of strings, counted without recursion. */
function nestsTooDeep(bytes: Buffer): boolean {
  let depth = 0;
  let in_string = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (in_string) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) in_string = false;
    } else if (byte === QUOTE) in_string = true;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (++depth > MAX_NESTING) return true;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--;
  }
  return false;
}
