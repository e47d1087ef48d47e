/** Who may send, and from which pages. */
import type { FastifyRequest } from 'fastify';
import { bearerIn, isLoopback, isSameToken } from '../../messages/access_token.ts';
import { ErrataError } from '../../messages/errata_error.ts';

export interface AccessRules {
  /** Read for each request: it may be renewed. Undefined: only this machine is asked for nothing. */
  token(): string | undefined;
  open_feedback: boolean;
  /** Origins of pages. */
  cors: readonly string[];
}

/** Throws E_INGEST_TOKEN where others than this machine could write without being asked for a token. */
export function checkExposure(host: string, has_token: boolean): void {
  if (has_token || isLoopback(host)) return;
  throw new ErrataError('E_INGEST_TOKEN', `everyone who reaches ${host} could write`, {
    hint: 'set token_env or token_file, or listen on 127.0.0.1',
  });
}

/** Throws E_TOKEN_MISSING, E_TOKEN_WRONG, E_FOREIGN_HOST or E_FOREIGN_ORIGIN. */
export function checkAccess(request: FastifyRequest, is_feedback: boolean, rules: AccessRules): void {
  const token = rules.token();
  if (token === undefined && !isLoopback(request.hostname)) {
    // A page of a name that resolves to loopback would come with that name.
    throw new ErrataError('E_FOREIGN_HOST', 'without a token this ingest answers on loopback names only', {
      hint: 'ask 127.0.0.1 or localhost, or configure a token',
    });
  }
  if (token !== undefined && !(is_feedback && rules.open_feedback)) checkToken(request, token);
  // What a page sends brings no token of itself, so where none is asked for the page must be one that may.
  else checkOrigin(request, rules.cors);
}

function checkToken({ headers }: FastifyRequest, token: string): void {
  const given = bearerIn(headers.authorization);
  if (given === undefined) {
    throw new ErrataError('E_TOKEN_MISSING', 'this ingest asks for a token', {
      hint: 'send the header "Authorization: Bearer TOKEN"',
    });
  }
  if (!isSameToken(given, token)) throw new ErrataError('E_TOKEN_WRONG', 'this is not the token');
}

function checkOrigin({ headers, host }: FastifyRequest, allowed: readonly string[]): void {
  const { origin } = headers;
  if (origin === undefined || allowed.includes('*') || allowed.includes(origin)) return;
  if (URL.parse(origin)?.host === host) return;
  throw new ErrataError('E_FOREIGN_ORIGIN', `a page of ${origin} may not send here`, {
    hint: 'name it under cors',
  });
}
