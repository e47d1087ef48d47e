/** OAuth 2 bearer tokens for Kafka: from a file that somebody renews, or from an endpoint. */
import { ErrataError, errorMessage } from '../messages/errata_error.ts';
import type { TokenSource } from './kafka_settings.ts';
import { readSecret, readSecretFile } from './secret_source.ts';

/** A token that is valid now. Throws E_KAFKA_TOKEN and E_KAFKA_FILE. */
export type TokenProvider = () => Promise<string>;

type Endpoint = Extract<TokenSource, { type: 'endpoint' }>;

/** `expires_ms`: null where the endpoint does not say, and then it is used once. */
interface Token {
  text: string;
  got_ms: number;
  expires_ms: number | null;
}

const REQUEST_TIMEOUT_MS = 10_000;
/** A token is replaced when less than this is left of it, or less than a fifth. */
const REPLACE_BEFORE_MS = 30_000;

export function tokenProvider(source: TokenSource, now: () => number = Date.now): TokenProvider {
  if (source.type === 'file') return async () => tokenIn(source.file, now());
  let current: Token | undefined;
  let asking: Promise<Token> | undefined;
  return async () => {
    if (current && isFresh(current, now())) return current.text;
    asking ??= requestToken(source, now).finally(() => {
      asking = undefined;
    });
    current = await asking;
    return current.text;
  };
}

function tokenIn(file: string, now_ms: number): string {
  const text = readSecretFile(file, 'token_file').trim();
  const expires_ms = expiryOf(text);
  if (expires_ms === null || expires_ms > now_ms) return text;
  const when = new Date(expires_ms).toISOString();
  throw new ErrataError('E_KAFKA_TOKEN', `token_file: the token in ${file} expired at ${when}`, {
    hint: 'see to it that who writes the file renews it',
  });
}

/**
 * Claim `exp` of a JWT (RFC 7519); null for any other token. Kafka 4.1 answers an expired one as if it were valid, and then
 * only closes the connection.
 */
function expiryOf(token: string): number | null {
  const [, claims = ''] = token.split('.');
  try {
    const { exp } = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as { exp?: unknown };
    return typeof exp === 'number' ? exp * 1000 : null;
  } catch {
    return null;
  }
}

function isFresh({ got_ms, expires_ms }: Token, now_ms: number): boolean {
  if (expires_ms === null) return false;
  return expires_ms - now_ms > Math.max(REPLACE_BEFORE_MS, (expires_ms - got_ms) / 5);
}

/** Client credentials (RFC 6749, section 4.4), told by HTTP Basic authentication (section 2.3.1). */
async function requestToken(endpoint: Endpoint, now: () => number): Promise<Token> {
  const { url, client_id, client_secret, scope } = endpoint;
  const secret = readSecret(client_secret, 'client_secret');
  const credentials = [client_id, secret].map(encodeURIComponent).join(':');
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    ...(scope === null ? {} : { scope }),
  });
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
  } catch (cause) {
    const { cause: reason } = cause as Error;
    throw tokenError(url, `does not answer: ${errorMessage(reason ?? cause)}`, cause);
  }
  if (!response.ok) throw tokenError(url, `answers ${response.status}${await errorCode(response)}`);
  return tokenOf(await response.json().catch(() => null), url, now());
}

/** Of what an endpoint says only its error code is repeated (RFC 6749, section 5.2). */
async function errorCode(response: Response): Promise<string> {
  const answer = (await response.json().catch(() => null)) as { error?: unknown } | null;
  return typeof answer?.error === 'string' && /^\w{1,60}$/.test(answer.error) ? ` ${answer.error}` : '';
}

function tokenOf(answer: unknown, url: string, got_ms: number): Token {
  const { access_token: text, expires_in } = (answer ?? {}) as Record<string, unknown>;
  if (typeof text !== 'string' || text === '') throw tokenError(url, 'answers without an access_token');
  const lifetime_s = Number(expires_in);
  return { text, got_ms, expires_ms: lifetime_s > 0 ? got_ms + lifetime_s * 1000 : null };
}

function tokenError(url: string, what: string, cause?: unknown): ErrataError {
  return new ErrataError('E_KAFKA_TOKEN', `the token endpoint ${url} ${what}`, {
    hint: 'see kafka.sasl: token_endpoint, client_id, client_secret_file, scope',
    ...(cause === undefined ? {} : { cause }),
  });
}
