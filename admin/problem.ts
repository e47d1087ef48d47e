/** Errors as RFC 9457 problem details, with errata's code and hint as extension members. */
import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { ErrataError } from '../messages/errata_error.ts';

export const Problem = Type.Object(
  {
    type: Type.Literal('about:blank'),
    title: Type.String({ description: 'what the HTTP status is called' }),
    status: Type.Integer(),
    detail: Type.String({ description: 'what went wrong' }),
    code: Type.String({ description: 'stable, E_…' }),
    hint: Type.Optional(Type.String({ description: 'what to do about it' })),
  },
  { $id: 'problem', title: 'problem' },
);

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** For the `response` of a route's schema. */
export const problemResponse = {
  description: 'why not, as RFC 9457 problem details',
  content: { [PROBLEM_MEDIA_TYPE]: { schema: Type.Ref('problem#') } },
};

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
    .send({
      type: 'about:blank',
      title: STATUS_CODES[status] ?? 'Error',
      status,
      detail: told.message,
      code: told.code,
      ...(told.hint === undefined ? {} : { hint: told.hint }),
    });
}

function toErrataError(error: FastifyError | ErrataError): ErrataError {
  if (error instanceof ErrataError) return error;
  const { statusCode = 500 } = error;
  if (statusCode >= 400 && statusCode < 500) return new ErrataError('E_REQUEST', error.message);
  return new ErrataError('E_INTERNAL', 'a defect in errata', { hint: 'see the log', cause: error });
}
