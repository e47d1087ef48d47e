/** Records as they stand in a body → what is published of them, unchanged, and what is wrong with the others. */
import type { IncomingRecord } from '../../engine/edge.ts';
import { decode } from '../../messages/decode.ts';
import { FEEDBACK, RecordScanner } from '../../messages/record_scanner.ts';
import type { Span } from './body_records.ts';

export type RecordKind = 'prediction' | 'feedback';
/** What decides the partition. */
export type KeyField = 'prediction_id' | 'deployment_id';

/** Leaves room for what Kafka adds to a batch: a topic takes 1 MiB by default. */
const MAX_RECORD_BYTES = 1_000_000;

export interface RecordError {
  /** Of the record in the request, from 0. */
  index: number;
  /** Stable. */
  code: string;
  message: string;
}

export interface CheckedRecords {
  accepted: IncomingRecord[];
  errors: RecordError[];
}

/** What of a record must be known besides its bytes. */
interface Identity {
  kind: RecordKind;
  key: string | null;
  /** By which a repetition is known; null: it has nothing of the kind. */
  id: string | null;
}

/** One for each server: the scanner is used again and again. */
export class RecordCheck {
  readonly #scanner = new RecordScanner(MAX_RECORD_BYTES);

  /** `request_id` tells records without an id of their own apart, and is equal for a repetition of the request. */
  check(
    body: Buffer,
    spans: readonly Span[],
    expected: { kind: RecordKind; key: KeyField; request_id: string },
  ): CheckedRecords {
    const accepted: IncomingRecord[] = [];
    const errors: RecordError[] = [];
    for (const [index, { start, end }] of spans.entries()) {
      const found = this.#identify(body, start, end, expected.key);
      if ('code' in found) errors.push({ index, ...found });
      else if (found.kind !== expected.kind) errors.push({ index, ...wrongKind(found.kind, expected.kind) });
      else {
        const id = found.id ?? `${expected.request_id}/${index}`;
        accepted.push({ key: found.key, value: body.subarray(start, end), headers: {}, id });
      }
    }
    return { accepted, errors };
  }

  #identify(
    body: Buffer,
    start: number,
    end: number,
    key: KeyField,
  ): Identity | { code: string; message: string } {
    const scanner = this.#scanner;
    if (scanner.scan(body, start, end)) return scanned(scanner, key);
    const decoded = decode(body.subarray(start, end), MAX_RECORD_BYTES);
    if (decoded.kind === 'bad') return { code: decoded.code, message: decoded.message };
    const { prediction_id, event_id, [key]: key_text } = decoded.value;
    return { kind: decoded.kind, key: key_text ?? null, id: idOf(decoded.kind, event_id, prediction_id) };
  }
}

function scanned(scanner: RecordScanner, key: KeyField): Identity {
  const kind = scanner.kind === FEEDBACK ? 'feedback' : 'prediction';
  const event_id = textOf(scanner, scanner.event_id_start, scanner.event_id_end);
  const prediction_id = textOf(scanner, scanner.prediction_id_start, scanner.prediction_id_end);
  const key_text =
    key === 'prediction_id'
      ? prediction_id
      : textOf(scanner, scanner.deployment_id_start, scanner.deployment_id_end);
  return { kind, key: key_text ?? null, id: idOf(kind, event_id, prediction_id) };
}

function textOf({ bytes }: RecordScanner, start: number, end: number): string | undefined {
  return start < 0 ? undefined : bytes.toString('utf8', start, end);
}

/** There is one prediction for an id, and any number of feedback. */
function idOf(kind: RecordKind, event_id?: string, prediction_id?: string): string | null {
  if (event_id !== undefined) return `${kind}/event/${event_id}`;
  return kind === 'prediction' && prediction_id !== undefined ? `${kind}/${prediction_id}` : null;
}

function wrongKind(found: RecordKind, expected: RecordKind) {
  const path = found === 'prediction' ? '/v1/predictions' : '/v1/feedback';
  return { code: 'wrong_kind', message: `this is a ${found}, not a ${expected}: it belongs to ${path}` };
}
