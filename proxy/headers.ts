/**
 * Headers as they go on, in the order, number and spelling in which they came. What is about one connection only stays
 * behind (RFC 9110, section 7.6.1).
 */

/** Name and value in turn, as Node's `rawHeaders`. */
export type RawHeaders = readonly string[];

export const PREDICTION_ID = 'x-prediction-id';

const ONE_CONNECTION = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** What a request carries on: `expect` is answered by the proxy itself. */
export function requestHeaders(raw: RawHeaders, changes: Record<string, string | undefined>): string[] {
  return forwarded(raw, { expect: undefined, ...changes });
}

/** `changes`: set in the place of what is there by that (lower-case) name; undefined leaves it out. */
export function forwarded(raw: RawHeaders, changes: Record<string, string | undefined>): string[] {
  const dropped = namedByConnection(raw);
  const kept: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!.toLowerCase();
    if (ONE_CONNECTION.has(name) || dropped?.has(name) || Object.hasOwn(changes, name)) continue;
    kept.push(raw[at]!, raw[at + 1]!);
  }
  for (const [name, value] of Object.entries(changes)) if (value !== undefined) kept.push(name, value);
  return kept;
}

/** `Connection` may name further ones; not those by which a body is understood. */
function namedByConnection(raw: RawHeaders): Set<string> | undefined {
  let names: Set<string> | undefined;
  for (let at = 0; at < raw.length; at += 2) {
    if (raw[at]!.toLowerCase() !== 'connection') continue;
    names ??= new Set();
    for (const name of raw[at + 1]!.split(',')) names.add(name.trim().toLowerCase());
  }
  for (const needed of ['content-length', 'content-type', 'content-encoding', 'host']) names?.delete(needed);
  return names;
}

/** What a client calls its prediction; undefined where that cannot be an id. */
export function givenPredictionId(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && /^[\x20-\x7e]{1,512}$/.test(value) ? value : undefined;
}
