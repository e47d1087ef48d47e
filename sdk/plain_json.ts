/**
 * Anything → a value that can be written as JSON and that errata takes: what an application captures must not be
 * refused because of a stray half of an emoji in a user's text.
 *
 * As JSON.stringify does it, and besides: typed arrays become arrays, big integers numbers or text, numbers that JSON
 * cannot say null, half surrogates U+FFFD; what is circular or nests too deep becomes a text that says so; keys that
 * other programs mistake for a prototype are put in brackets.
 */
import { ErrataError } from '../messages/errata_error.ts';
import { MAX_NESTING } from '../messages/json_bytes.ts';

const CIRCULAR = '[circular]';
const TOO_DEEP = '[nested too deep]';

interface Walk {
  /** How many values may still follow. */
  values_left: number;
  /** The containers that the present value is in. */
  readonly above: object[];
}

/**
 * `levels_above`: of the record around it. Throws ErrataError E_TOO_LARGE for more than `max_values` values, and
 * whatever a getter or a `toJSON` of the application throws.
 */
export function toPlainJson(value: unknown, levels_above: number, max_values: number): unknown {
  return plain(value, levels_above, { values_left: max_values, above: [] });
}

function plain(value: unknown, level: number, walk: Walk): unknown {
  if (--walk.values_left < 0) throw new ErrataError('E_TOO_LARGE', 'more values than a record can hold');
  switch (typeof value) {
    case 'string':
      return value.toWellFormed();
    case 'number':
      return Number.isFinite(value) ? value : null;
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    case 'boolean':
      return value;
    case 'object':
      return value === null ? null : plainObject(value, level + 1, walk);
    default:
      return undefined;
  }
}

function plainObject(value: object, level: number, walk: Walk): unknown {
  if (walk.above.includes(value)) return CIRCULAR;
  if (level > MAX_NESTING) return TOO_DEEP;
  walk.above.push(value);
  const result = contents(value, level, walk);
  walk.above.pop();
  return result;
}

function contents(container: object, level: number, walk: Walk): unknown {
  const value = isTypedArray(container) ? container : ownJson(container);
  if (typeof value !== 'object' || value === null) return plain(value, level, walk) ?? null;
  if (Array.isArray(value) || isTypedArray(value)) {
    return Array.from(value, (item: unknown) => plain(item, level, walk) ?? null);
  }
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => {
    const written = plain(inner, level, walk);
    return [safeKey(key, written), written];
  });
  return Object.fromEntries(entries);
}

function ownJson(value: object): unknown {
  return 'toJSON' in value && typeof value.toJSON === 'function' ? value.toJSON() : value;
}

function isTypedArray(value: object): value is ArrayLike<unknown> & Iterable<unknown> {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

function safeKey(key: string, inner: unknown): string {
  const holds_prototype = typeof inner === 'object' && inner !== null && Object.hasOwn(inner, 'prototype');
  return key === '__proto__' || (key === 'constructor' && holds_prototype) ? `[${key}]` : key.toWellFormed();
}
