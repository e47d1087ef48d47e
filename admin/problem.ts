/** Which errors the admin API answers with which status, as problem details. */
import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { ErrataError } from '../messages/errata_error.ts';
import { PROBLEM_MEDIA_TYPE, problemOf } from '../messages/problem.ts';

/** Whatever else an ErrataError says is nothing that the caller did: 500. */
const STATUS: Record<string, number> = {
  E_REQUEST: 400,
  E_TOKEN_MISSING: 401,
  E_TOKEN_WRONG: 401,
  E_FOREIGN_HOST: 403,
  E_FOREIGN_ORIGIN: 403,
  E_UNKNOWN_ROUTE: 404,
  E_UNKNOWN_TOPOLOGY: 404,
  E_UNKNOWN_SOURCE: 404,
};

/** The error handler of the server. Details of a defect go to the log, not to the caller. */
export function sendProblem(error: FastifyError | ErrataError, request: FastifyRequest, reply: FastifyReply) {
  const told = toErrataError(error);
  const status = STATUS[told.code] ?? 500;
  if (status >= 500)
    request.log.error({ err: error, method: request.method, url: request.url }, told.message);
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="errata"');
  return reply
    .code(status)
    .type(PROBLEM_MEDIA_TYPE)
    .send(problemOf(status, STATUS_CODES[status] ?? 'Error', told));
}

function toErrataError(error: FastifyError | ErrataError): ErrataError {
  if (error instanceof ErrataError) return error;
  const { statusCode = 500 } = error;
  if (statusCode >= 400 && statusCode < 500) return new ErrataError('E_REQUEST', error.message);
  return new ErrataError('E_INTERNAL', 'a defect in errata', { hint: 'see the log', cause: error });
}
