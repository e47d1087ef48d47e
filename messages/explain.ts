/** What a schema holds against a record, as a stable code and a sentence that names the field. */
import type { ErrorObject } from 'ajv';
import { type JsonObject, type Refusal, refuse } from './json_bytes.ts';

const NOT_A_NUMBER = /^\s*[+-]?(nan|inf(inity)?)\s*$/i;

/** Codes of what is wrong with the value of a field although its type is right. */
const FIELD_CODES: Record<string, string> = {
  feedback_type: 'unknown_feedback_type',
  rating: 'rating_out_of_range',
  time_to_action: 'negative_time_to_action',
};

export function explain(error: ErrorObject, record: JsonObject): Refusal {
  const field = error.instancePath.slice(1).replaceAll('/', '.');
  if (error.keyword === 'required') {
    const missing: string = error.params.missingProperty;
    const name = field ? `${field}.${missing}` : missing;
    return refuse(name === 'prediction_id' ? 'missing_id' : 'missing_field', `${name} is missing`);
  }
  const value = valueAt(record, error.instancePath);
  if (error.keyword === 'type') return wrongType(field, error.params.type, value);
  if (field === 'prediction_id' && value === '') return refuse('missing_id', 'prediction_id is empty');
  if (field === 'feedback_type' && typeof value !== 'string') return wrongType(field, 'string', value);
  const code = FIELD_CODES[field] ?? (error.keyword === 'maxLength' ? 'too_long' : 'out_of_range');
  return refuse(code, `${field} ${reason(error)}, not ${shown(value)}`);
}

function wrongType(field: string, expected: string, value: unknown): Refusal {
  if (expected === 'number' && typeof value === 'string' && NOT_A_NUMBER.test(value)) {
    return refuse('not_a_number', `${field} must be a number, not the text "${value}"`);
  }
  return refuse('wrong_type', `${field} must be a ${expected}, not ${shown(value)}`);
}

function reason(error: ErrorObject): string {
  if (error.instancePath === '/feedback_type') return 'must be explicit or implicit';
  return error.message ?? 'has a value that is not allowed';
}

function valueAt(record: JsonObject, path: string): unknown {
  return path
    .split('/')
    .slice(1)
    .reduce<unknown>((value, step) => (value as JsonObject | undefined)?.[step], record);
}

const SHOWN_CHARS = 60;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS).toWellFormed()}…` : text;
}
