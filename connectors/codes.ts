/**
 * What connectors report, besides what lint finds (topology/codes.ts). The codes are stable; the reference is written from here, and
 * a test fails for a code that stands in a connector and not here.
 */

/** By `/ready` and in the log, or at a command of `errata`. */
const running = {
  E_BIGQUERY: 'BigQuery does not answer, or refuses the call (a right, a quota): waited for.',
  E_BIGQUERY_EMULATOR:
    'BIGQUERY_EMULATOR_HOST is set, and BIGQUERY_STORAGE_EMULATOR_HOST is not, or is no `host:port`.',
  E_BIGQUERY_PROJECT: 'Neither settings nor environment name a project.',
  E_BIGQUERY_SCHEMA:
    'The table differs from what is written, now or since the sink began; each column is named.',
  E_BIGQUERY_TABLE: 'There is no such table.',
  E_CONNECTOR_KIND: 'A plan names a connector that this version of errata does not have.',
  E_INGEST_SHARED: 'HTTP sources on one port do not go together.',
  E_INGEST_TOKEN: 'The ingest would listen beyond this machine without asking for a token.',
  E_LISTEN: 'The address of the ingest cannot be listened on.',
  E_PLAN: 'A plan contradicts itself: a defect in errata.',
  E_PORT_IN_USE: 'Something else listens on the port of the ingest.',
  E_PROVISION: 'What is missing cannot be made from what the topology says of it.',
  E_PUBSUB: 'Pub/Sub does not answer, or refuses the call (no such name, no right): waited for.',
  E_PUBSUB_STALLED: 'A subscription has messages that its stream does not bring: the source is started anew.',
  E_SECRET_MISSING: 'The variable or file that a secret is read from is missing or empty.',
  E_SOURCE_STOPPED: 'The source was stopped before Kafka acknowledged.',
};

/** To a client of the HTTP ingest. */
const ingest = {
  E_REQUEST: '400: the request cannot be read.',
  E_RECORDS_REFUSED: '400: no record of the request was taken; each has its reason.',
  E_TOKEN_MISSING: '401: a bearer token is asked for.',
  E_TOKEN_WRONG: '401: it is another token.',
  E_FOREIGN_HOST: '403: an ingest without a token was asked by another name than loopback.',
  E_FOREIGN_ORIGIN: '403: a web page of an origin that `cors` does not name.',
  E_UNKNOWN_ROUTE: '404: there is nothing at this path.',
  E_BODY_TOO_LARGE: '413: more than `max_body`, compressed or not.',
  E_TOO_MANY_RECORDS: '413: more than `max_records`.',
  E_MEDIA_TYPE: '415: a content type or encoding that is not taken.',
  E_IDEMPOTENCY_KEY: '422: the key has come with another request.',
  E_BUSY: '429: `max_pending` or `max_rate` is reached; repeat it later.',
  E_NOT_ACKNOWLEDGED: '429: Kafka has not acknowledged in time: repeat the request.',
  E_INTERNAL: '500: a defect in errata; the log has it.',
  wrong_kind: 'Of one record: a prediction at the path of feedback, or the other way round.',
};

/** With a record. */
const dead_letter = {
  bigquery_refused: 'BigQuery refuses the row; its own message stands beside it.',
  bigquery_row: 'A value does not fit its column.',
  pubsub_limit: 'Pub/Sub’s limits exclude it (size, attributes, keys).',
  pubsub_refused: 'Pub/Sub answers INVALID_ARGUMENT to it.',
  webhook_format: 'It cannot be posted in the format of the webhook.',
  webhook_refused: 'The webhook answers 400, 409, 413, 415 or 422; its answer stands beside it.',
};

/** How it is told → code → what it means. */
export const CONNECTOR_CODES = { running, ingest, dead_letter } as const satisfies Record<
  string,
  Record<string, string>
>;
