/** Settings of the source `http`. */
import { type Static, Type } from 'typebox';
import { ByteSize } from '../../messages/byte_size.ts';
import { Duration } from '../../messages/duration.ts';
import { secretSettings } from '../secret.ts';

export const HttpSourceConfig = Type.Object(
  {
    accepts: Type.Union([Type.Literal('predictions'), Type.Literal('feedback'), Type.Literal('both')], {
      default: 'both',
      description: 'which of `POST /v1/predictions` and `POST /v1/feedback` bring records here',
    }),
    host: Type.String({
      default: '127.0.0.1',
      minLength: 1,
      description: 'where to listen; beyond loopback it needs a token',
    }),
    port: Type.Integer({
      minimum: 0,
      maximum: 65_535,
      default: 8090,
      description:
        '0 picks a free one, which the log tells. Sources with the same host and port share a server',
    }),
    key: Type.Union([Type.Literal('prediction_id'), Type.Literal('deployment_id')], {
      default: 'prediction_id',
      description: 'which field becomes the key of the Kafka record',
    }),
    ...Type.Partial(Type.Object(secretSettings('token', 'the bearer token that is asked for'))).properties,
    open_feedback: Type.Boolean({
      default: false,
      description:
        'feedback needs no token, as browsers send it when a page is left (`navigator.sendBeacon`)',
    }),
    cors: Type.Array(
      Type.String({ pattern: '^(\\*|https?://[^/\\s]+)$', examples: ['https://app.example.com'] }),
      {
        default: [],
        description: 'origins whose pages may send; `*` allows all',
      },
    ),
    max_body: ByteSize({ default: '8m', description: 'of a request, also when it is decompressed' }),
    max_records: Type.Integer({
      minimum: 1,
      maximum: 100_000,
      default: 10_000,
      description: 'of a request',
    }),
    max_pending: ByteSize({
      default: '64m',
      description:
        'of the requests that wait for Kafka and of what is wrong in them, together; more are answered with 429',
    }),
    max_rate: Type.Optional(
      Type.Integer({ minimum: 1, description: 'records per second; more are answered with 429' }),
    ),
    timeout: Duration({
      default: '10s',
      description: 'how long a request waits for Kafka before it is answered with 429',
    }),
    idempotency: Duration({
      default: '10m',
      description: 'how long this process remembers an `Idempotency-Key`',
    }),
  },
  { additionalProperties: false },
);
export type HttpSourceConfig = Static<typeof HttpSourceConfig>;
