/**
 * Who may use the admin API.
 *
 * 1. Once a token is configured, it is asked for; health, readiness, metrics and the API's own description stay open,
 *    as orchestrators and Prometheus expect.
 * 2. Without a token the API is for this machine only: it refuses to listen elsewhere, and refuses what a browser
 *    sends on behalf of a foreign page (a name that resolves to loopback, a form that posts across origins).
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { bearerIn, isLoopback, isSameToken } from '../messages/access_token.ts';
import { ErrataError } from '../messages/errata_error.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Anyone may ask. */
    open?: boolean;
  }
}

/** Throws E_ADMIN_TOKEN where others than this machine could come in without being asked for a token. */
export function checkExposure(host: string, token: string | null): void {
  if (token !== null || isLoopback(host)) return;
  throw new ErrataError('E_ADMIN_TOKEN', `the admin API would be open to everyone who reaches ${host}`, {
    hint: 'set ERRATA_ADMIN_TOKEN or --admin-token-file, or listen on 127.0.0.1',
  });
}

export function guard(app: FastifyInstance, token: string | null): void {
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config?.open) return;
    if (token === null) checkLocal(request);
    else checkToken(request, token);
  });
}

function checkToken({ headers }: FastifyRequest, token: string): void {
  const given = bearerIn(headers.authorization);
  if (given === undefined) {
    throw new ErrataError('E_TOKEN_MISSING', 'this API asks for a token', {
      hint: 'send the header "Authorization: Bearer TOKEN"',
    });
  }
  if (!isSameToken(given, token)) throw new ErrataError('E_TOKEN_WRONG', 'this is not the token');
}

function checkLocal({ hostname, host, headers }: FastifyRequest): void {
  if (!isLoopback(hostname)) {
    throw new ErrataError('E_FOREIGN_HOST', `without a token this API answers on loopback names only`, {
      hint: 'ask 127.0.0.1 or localhost, or configure a token',
    });
  }
  const { origin } = headers;
  if (origin !== undefined && URL.parse(origin)?.host !== host)
    throw new ErrataError('E_FOREIGN_ORIGIN', `a page of ${origin} may not use this API`);
}
