/** The schemas of the ingest's routes, from which its OpenAPI document is made. */
import { type Static, Type } from 'typebox';
import { Feedback } from '../../messages/feedback.ts';
import { Prediction } from '../../messages/prediction.ts';
import { PROBLEM_MEDIA_TYPE, Problem, problemResponse } from '../../messages/problem.ts';
import type { RecordKind } from './record_check.ts';

export const NDJSON_TYPES = ['application/x-ndjson', 'application/ndjson', 'application/jsonl'];
/** Beacons and simple forms of `fetch` send text. */
export const JSON_TYPES = ['application/json', 'text/plain'];

const RecordError = Type.Object({
  index: Type.Integer({ description: 'of the record in the request, from 0' }),
  code: Type.String({ description: 'stable' }),
  message: Type.String(),
});

export const Accepted = Type.Object(
  {
    accepted: Type.Integer({ description: 'how many records Kafka has acknowledged' }),
    errors: Type.Array(RecordError, { description: 'the others, each with its reason' }),
  },
  { $id: 'accepted', title: 'accepted' },
);
export type Accepted = Static<typeof Accepted>;

const Refused = Type.Object(
  {
    ...Problem.properties,
    accepted: Type.Optional(Type.Literal(0)),
    errors: Type.Optional(Type.Array(RecordError)),
  },
  { $id: 'refused', title: 'refused' },
);

export const SHARED_SCHEMAS = [Prediction, Feedback, Problem, Accepted, Refused];

/** `key` in query and headers is checked by hand, so that each mistake has a code. */
function routeOf(kind: RecordKind, url: string, summary: string) {
  const one = Type.Ref(`${kind}#`);
  const json = Type.Union([one, Type.Array(one)]);
  return {
    kind,
    url,
    schema: {
      summary,
      description:
        'One record, a JSON array of them, or one per line (NDJSON); also compressed with gzip. 202 once Kafka has acknowledged all that are valid; `errors` names the others.',
      tags: ['ingest'],
      headers: Type.Object({
        'idempotency-key': Type.Optional(
          Type.String({
            description: 'equal for a repetition: it gets the same answer, and is not written again',
          }),
        ),
      }),
      body: {
        content: {
          ...Object.fromEntries(JSON_TYPES.map((type) => [type, { schema: json }])),
          ...Object.fromEntries(NDJSON_TYPES.map((type) => [type, { schema: one }])),
        },
      },
      response: {
        202: Type.Ref('accepted#'),
        400: {
          description: 'no record was taken: `errors` says why each was not, or the request is at fault',
          content: { [PROBLEM_MEDIA_TYPE]: { schema: Type.Ref('refused#') } },
        },
        401: problemResponse,
        403: problemResponse,
        413: problemResponse,
        415: problemResponse,
        422: problemResponse,
        429: { ...problemResponse, headers: { 'retry-after': Type.Integer({ description: 'seconds' }) } },
      },
    },
  } as const;
}

export const INGEST_ROUTES = [
  routeOf('prediction', '/v1/predictions', 'What models did'),
  routeOf('feedback', '/v1/feedback', 'What people made of it'),
] as const;
