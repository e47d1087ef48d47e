/** Which errors of the ingest are answered with which status. Nothing but 4xx for what a client sent or has to wait for. */
import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { ErrataError } from '../../messages/errata_error.ts';
import { PROBLEM_MEDIA_TYPE, problemOf } from '../../messages/problem.ts';
import { Busy } from './intake.ts';
import type { Accepted } from './routes.ts';

const STATUS: Record<string, number> = {
  E_REQUEST: 400,
  E_TOKEN_MISSING: 401,
  E_TOKEN_WRONG: 401,
  E_FOREIGN_HOST: 403,
  E_FOREIGN_ORIGIN: 403,
  E_UNKNOWN_ROUTE: 404,
  E_BODY_TOO_LARGE: 413,
  E_TOO_MANY_RECORDS: 413,
  E_MEDIA_TYPE: 415,
  E_IDEMPOTENCY_KEY: 422,
  E_BUSY: 429,
  E_NOT_ACKNOWLEDGED: 429,
};

const RETRY_AFTER_S = 1;

export function sendProblem(
  error: FastifyError | ErrataError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const told = toErrataError(error);
  const status = STATUS[told.code] ?? 500;
  if (status >= 500) request.log.error({ err: error, url: request.url }, told.message);
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="errata"');
  if (status === 429) reply.header('retry-after', retryAfterSeconds(told));
  return reply
    .code(status)
    .type(PROBLEM_MEDIA_TYPE)
    .send(problemOf(status, titleOf(status), told));
}

/** Nothing of the request was taken, and each record has a reason. */
export function sendRefused(answer: Accepted, reply: FastifyReply): FastifyReply {
  const why = new ErrataError('E_RECORDS_REFUSED', 'no record of the request was taken');
  const problem = { ...problemOf(400, titleOf(400), why), ...answer };
  return reply.code(400).type(PROBLEM_MEDIA_TYPE).send(problem);
}

function titleOf(status: number): string {
  return STATUS_CODES[status] ?? 'Error';
}

function retryAfterSeconds(error: ErrataError): number {
  return error instanceof Busy ? Math.max(RETRY_AFTER_S, Math.ceil(error.wait_ms / 1_000)) : RETRY_AFTER_S;
}

function toErrataError(error: FastifyError | ErrataError): ErrataError {
  if (error instanceof ErrataError) return error;
  const { statusCode = 500 } = error;
  if (statusCode === 413) return new ErrataError('E_BODY_TOO_LARGE', error.message);
  if (statusCode === 415) return new ErrataError('E_MEDIA_TYPE', error.message);
  if (statusCode >= 400 && statusCode < 500) return new ErrataError('E_REQUEST', error.message);
  return new ErrataError('E_INTERNAL', 'a defect in errata', { hint: 'see the log', cause: error });
}
