/**
 * What connectors report, besides what lint finds (topology/codes.ts). The codes are stable; the reference is written from here, and
 * a test fails for a code that stands in a connector and not here.
 */

/** `running`: by `/ready` and in the log, or at a command of `errata`; `ingest`: answered to a client of the HTTP ingest; `dead_letter`: with a record. */
export type Told = 'running' | 'ingest' | 'dead_letter';

export const CONNECTOR_CODES: Record<string, { told: Told; summary: string }> = {
  E_BIGQUERY: {
    told: 'running',
    summary: 'BigQuery does not answer, or refuses the call (a right, a quota): waited for.',
  },
  E_BIGQUERY_EMULATOR: {
    told: 'running',
    summary:
      'BIGQUERY_EMULATOR_HOST is set, and BIGQUERY_STORAGE_EMULATOR_HOST is not, or is no `host:port`.',
  },
  E_BIGQUERY_PROJECT: { told: 'running', summary: 'Neither settings nor environment name a project.' },
  E_BIGQUERY_SCHEMA: {
    told: 'running',
    summary: 'The table differs from what is written, now or since the sink began; each column is named.',
  },
  E_BIGQUERY_TABLE: { told: 'running', summary: 'There is no such table.' },
  E_CONNECTOR_KIND: {
    told: 'running',
    summary: 'A plan names a connector that this version of errata does not have.',
  },
  E_INGEST_SHARED: { told: 'running', summary: 'HTTP sources on one port do not go together.' },
  E_INGEST_TOKEN: {
    told: 'running',
    summary: 'The ingest would listen beyond this machine without asking for a token.',
  },
  E_LISTEN: { told: 'running', summary: 'The address of the ingest cannot be listened on.' },
  E_PLAN: { told: 'running', summary: 'A plan contradicts itself: a defect in errata.' },
  E_PORT_IN_USE: { told: 'running', summary: 'Something else listens on the port of the ingest.' },
  E_PROVISION: {
    told: 'running',
    summary: 'What is missing cannot be made from what the topology says of it.',
  },
  E_PUBSUB: {
    told: 'running',
    summary: 'Pub/Sub does not answer, or refuses the call (no such name, no right): waited for.',
  },
  E_PUBSUB_STALLED: {
    told: 'running',
    summary: 'A subscription has messages that its stream does not bring: the source is started anew.',
  },
  E_SECRET_MISSING: {
    told: 'running',
    summary: 'The variable or file that a secret is read from is missing or empty.',
  },
  E_SOURCE_STOPPED: { told: 'running', summary: 'The source was stopped before Kafka acknowledged.' },
  E_REQUEST: { told: 'ingest', summary: '400: the request cannot be read.' },
  E_RECORDS_REFUSED: {
    told: 'ingest',
    summary: '400: no record of the request was taken; each has its reason.',
  },
  E_TOKEN_MISSING: { told: 'ingest', summary: '401: a bearer token is asked for.' },
  E_TOKEN_WRONG: { told: 'ingest', summary: '401: it is another token.' },
  E_FOREIGN_HOST: {
    told: 'ingest',
    summary: '403: an ingest without a token was asked by another name than loopback.',
  },
  E_FOREIGN_ORIGIN: { told: 'ingest', summary: '403: a web page of an origin that `cors` does not name.' },
  E_UNKNOWN_ROUTE: { told: 'ingest', summary: '404: there is nothing at this path.' },
  E_BODY_TOO_LARGE: { told: 'ingest', summary: '413: more than `max_body`, compressed or not.' },
  E_TOO_MANY_RECORDS: { told: 'ingest', summary: '413: more than `max_records`.' },
  E_MEDIA_TYPE: { told: 'ingest', summary: '415: a content type or encoding that is not taken.' },
  E_IDEMPOTENCY_KEY: { told: 'ingest', summary: '422: the key has come with another request.' },
  E_BUSY: { told: 'ingest', summary: '429: `max_pending` or `max_rate` is reached; repeat it later.' },
  E_NOT_ACKNOWLEDGED: {
    told: 'ingest',
    summary: '429: Kafka has not acknowledged in time: repeat the request.',
  },
  E_INTERNAL: { told: 'ingest', summary: '500: a defect in errata; the log has it.' },
  bigquery_refused: {
    told: 'dead_letter',
    summary: 'BigQuery refuses the row; its own message stands beside it.',
  },
  bigquery_row: { told: 'dead_letter', summary: 'A value does not fit its column.' },
  pubsub_limit: { told: 'dead_letter', summary: 'Pub/Sub’s limits exclude it (size, attributes, keys).' },
  pubsub_refused: { told: 'dead_letter', summary: 'Pub/Sub answers INVALID_ARGUMENT to it.' },
  webhook_format: { told: 'dead_letter', summary: 'It cannot be posted in the format of the webhook.' },
  webhook_refused: {
    told: 'dead_letter',
    summary: 'The webhook answers 400, 409, 413, 415 or 422; its answer stands beside it.',
  },
  wrong_kind: {
    told: 'ingest',
    summary: 'Of one record: a prediction at the path of feedback, or the other way round.',
  },
};
