/**
 * Where the records stand in the body of a request. Nothing is validated or made an object of: a span that is no record
 * is found to be none when it is read, and a body all of whose spans are JSON objects is JSON itself.
 */

/** `json`: one object, or an array of them; `ndjson`: one per line, empty lines not counted. */
export type BodyForm = 'json' | 'ndjson';

/** From `start` to before `end`, without the white space around it. */
export interface Span {
  start: number;
  end: number;
}

/** Null where the body is neither: an array that does not end, or more behind its end. */
export function recordSpans(body: Buffer, form: BodyForm): Span[] | null {
  const whole = trimmed(body, 0, body.length);
  if (form === 'ndjson') return lines(body);
  return body[whole.start] === OPEN_BRACKET ? elements(body, whole) : [whole];
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const LINE_FEED = 0x0a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === LINE_FEED || byte === 0x0d || byte === 0x09;
}

function trimmed(bytes: Buffer, from: number, to: number): Span {
  let [start, end] = [from, to];
  while (start < end && isSpace(bytes[start])) start++;
  while (end > start && isSpace(bytes[end - 1])) end--;
  return { start, end };
}

function lines(body: Buffer): Span[] {
  const spans: Span[] = [];
  for (let start = 0; start < body.length; ) {
    const found = body.indexOf(LINE_FEED, start);
    const end = found < 0 ? body.length : found;
    const span = trimmed(body, start, end);
    if (span.start < span.end) spans.push(span);
    start = end + 1;
  }
  return spans;
}

/** By commas that stand in no text and no inner brackets. */
function elements(body: Buffer, { start, end }: Span): Span[] | null {
  const spans: Span[] = [];
  let depth = 0;
  let from = start + 1;
  for (let at = from; at < end; at++) {
    const byte = body[at]!;
    if (byte === QUOTE) at = closingQuote(body, at, end);
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if (depth > 0 && (byte === CLOSE_BRACE || byte === CLOSE_BRACKET)) depth--;
    else if (depth === 0 && byte === COMMA) {
      spans.push(trimmed(body, from, at));
      from = at + 1;
    } else if (depth === 0 && byte === CLOSE_BRACKET) {
      const last = trimmed(body, from, at);
      const is_empty = spans.length === 0 && last.start === last.end;
      if (!is_empty) spans.push(last);
      return at === end - 1 ? spans : null;
    }
  }
  return null;
}

/** The end where there is none. */
function closingQuote(body: Buffer, opening: number, end: number): number {
  for (let at = opening + 1; at < end; at++) {
    if (body[at] === QUOTE) return at;
    if (body[at] === BACKSLASH) at++;
  }
  return end;
}
