/** One request of a webhook: what is sent, and what the answer means. */
import { createHmac } from 'node:crypto';
import { errorMessage } from '../messages/errata_error.ts';

export interface WebhookRequest {
  url: string;
  /** The same for every repetition: who gets it may drop what it has. */
  id: string;
  body: Buffer;
  /** Undefined: not signed. */
  secret: string | undefined;
  token: string | undefined;
  timestamp_s: number;
}

export type WebhookAnswer =
  | { type: 'taken' }
  /** For good: this record, not the next. */
  | { type: 'refused'; message: string }
  /** `after_ms`: the other side says when to ask again. */
  | { type: 'passing'; message: string; after_ms: number | null };

/**
 * What is about the record: malformed, in conflict, too large, of no known type, not to be processed. All others are about the URL, the
 * token or the other side's state (401, 403, 404, 405, 407, 410 too), and would refuse every record alike: they are waited for.
 */
const REFUSING: ReadonlySet<number> = new Set([400, 409, 413, 415, 422]);
/** Longer than that nobody is waited for in one go. */
const RETRY_AFTER_MAX_MS = 10 * 60_000;
const SHOWN_MAX_CHARACTERS = 500;

/** Hex of HMAC-SHA256 over `{timestamp}.{body}`, as in Stripe's scheme: an old body cannot be sent again under a new time. */
export function sign(secret: string, timestamp_s: number, body: Buffer): string {
  return createHmac('sha256', secret).update(`${timestamp_s}.`).update(body).digest('hex');
}

export function headersOf({ id, body, secret, token, timestamp_s }: WebhookRequest): Record<string, string> {
  return {
    'content-type': 'application/json',
    'user-agent': 'errata',
    'idempotency-key': id,
    'errata-timestamp': String(timestamp_s),
    ...(secret === undefined ? {} : { 'errata-signature': `v1=${sign(secret, timestamp_s, body)}` }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
}

/** Never rejects. No message holds the URL, which may be a secret. */
export async function post(request: WebhookRequest, signal: AbortSignal): Promise<WebhookAnswer> {
  try {
    const response = await fetch(request.url, {
      method: 'POST',
      headers: headersOf(request),
      body: new Uint8Array(request.body),
      redirect: 'manual',
      signal,
    });
    return await answerOf(response);
  } catch (error) {
    return { type: 'passing', message: failureOf(error), after_ms: null };
  }
}

async function answerOf(response: Response): Promise<WebhookAnswer> {
  const { status, headers } = response;
  if (response.ok) {
    await response.body?.cancel();
    return { type: 'taken' };
  }
  const said = await beginningOf(response);
  const message = `it answers ${status}${said === '' ? '' : `: ${said}`}${remedyFor(status)}`;
  if (REFUSING.has(status)) return { type: 'refused', message };
  return { type: 'passing', message, after_ms: retryAfterMs(headers.get('retry-after'), Date.now()) };
}

function remedyFor(status: number): string {
  if (status >= 300 && status < 400)
    return ' (redirects are not followed: configure the URL that it leads to)';
  if (status === 401 || status === 403) return ' (check token, secret and URL)';
  return status === 404 || status === 410 ? ' (check the URL)' : '';
}

/** Seconds or an HTTP date; null where it says nothing of use. */
export function retryAfterMs(value: string | null, now_ms: number): number | null {
  if (value === null) return null;
  const wait_ms = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - now_ms;
  return Number.isFinite(wait_ms) ? Math.min(Math.max(0, wait_ms), RETRY_AFTER_MAX_MS) : null;
}

/** Of an answer that may be of any length. */
async function beginningOf({ body }: Response): Promise<string> {
  if (!body) return '';
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length >= SHOWN_MAX_CHARACTERS) break;
  }
  return text.slice(0, SHOWN_MAX_CHARACTERS).trim();
}

/** `fetch` hides the reason in the cause, and the cause of a refused connection has an empty message. */
function failureOf(error: unknown): string {
  const { name, cause } = error as Error;
  if (name === 'TimeoutError') return 'it does not answer in time';
  const { code } = (cause ?? {}) as { code?: unknown };
  return typeof code === 'string'
    ? `it cannot be reached: ${code}`
    : errorMessage(error).replace(/\bhttps?:\S+/g, '(URL)');
}
