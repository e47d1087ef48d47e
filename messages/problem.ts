/** Errors over HTTP as RFC 9457 problem details, with errata's code and hint as extension members. */
import { type Static, Type } from 'typebox';
import type { ErrataError } from './errata_error.ts';

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
export type Problem = Static<typeof Problem>;

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** For the `response` of a route's schema. */
export const problemResponse = {
  description: 'why not, as RFC 9457 problem details',
  content: { [PROBLEM_MEDIA_TYPE]: { schema: Type.Ref('problem#') } },
};

/** `title`: what HTTP calls the status. */
export function problemOf(status: number, title: string, { code, message, hint }: ErrataError): Problem {
  return {
    type: 'about:blank',
    title,
    status,
    detail: message,
    code,
    ...(hint === undefined ? {} : { hint }),
  };
}
