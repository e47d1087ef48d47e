/** Posts each record to a URL, signed, in order per key, until it is taken or refused for good. */
import { type Static, Type } from 'typebox';
import type { MessageType } from '../actors/actor.ts';
import { Duration, parseDuration } from '../messages/duration.ts';
import { defineSink, type Finding } from './connector.ts';
import { checkSecret, readSecret, secretSettings } from './secret.ts';
import { isSecretUrl } from './secret_url.ts';
import { WebhookSink } from './webhook_sink.ts';

const SLACK_MESSAGES: readonly MessageType[] = ['alert', 'assessment', 'rollout'];

export const WebhookConfig = Type.Object(
  {
    url: Type.Optional(
      Type.String({
        pattern: '^https?://[^\\s]+$',
        examples: ['https://alerts.example.com/errata'],
        description:
          'where to post; where it is a secret itself (has a token in it, as those of Slack, Discord, Teams) or differs by environment, say `url_env` or `url_file` instead',
      }),
    ),
    ...Type.Partial(Type.Object(secretSettings('url', 'the URL'))).properties,
    ...Type.Partial(Type.Object(secretSettings('secret', 'the secret that bodies are signed with')))
      .properties,
    ...Type.Partial(Type.Object(secretSettings('token', 'a bearer token for the header `authorization`')))
      .properties,
    format: Type.Union([Type.Literal('json'), Type.Literal('slack')], {
      default: 'json',
      description: '`json`: the record as it is; `slack`: a message as Slack and its like take it',
    }),
    timeout: Duration({ default: '10s', description: 'until an answer is given up and asked for again' }),
    concurrency: Type.Integer({
      minimum: 1,
      maximum: 256,
      default: 8,
      description:
        'how many keys of a partition are posted at once; one key is posted one record after the other',
    }),
  },
  { additionalProperties: false },
);
export type WebhookConfig = Static<typeof WebhookConfig>;

export const webhook = defineSink({
  kind: 'webhook',
  summary:
    'Posts each record to a URL: signed, tried again with backoff until it is taken, in order per key. 400, 409, 413, 415 and 422 refuse a record for good (dead letter); any other answer but 2xx (401, 403, 404 and redirects too, which are not followed) is waited for, and `/ready` says why.',
  example: `alerts:
  from: severity
  webhook: { url: "https://alerts.example.com/errata", secret_env: ALERTS_SECRET }`,
  config: WebhookConfig,
  unfilled: ['url'],
  // Small: what was posted and not yet committed is posted again after a crash.
  batch: { max_records: 32, max_bytes: 1024 * 1024 },
  check: (config, message) => [
    ...checkUrl(config),
    ...checkSecret(config, 'secret'),
    ...checkSecret(config, 'token'),
    ...checkFormat(config, message),
  ],
  open: async (config, ports) => {
    // What is missing is told before the first record comes.
    urlOf(config);
    for (const name of ['secret', 'token']) readSecret(config, name);
    return new WebhookSink(
      {
        url: () => urlOf(config),
        secret: () => readSecret(config, 'secret'),
        token: () => readSecret(config, 'token'),
        format: config.format,
        timeout_ms: parseDuration(config.timeout),
        concurrency: config.concurrency,
      },
      ports,
    );
  },
});

/** Throws E_SECRET_MISSING where there is none. */
function urlOf(config: WebhookConfig): string {
  return config.url ?? readSecret(config, 'url') ?? '';
}

function checkUrl(config: WebhookConfig): Finding[] {
  const { url } = config;
  if (url === undefined) return checkSecret(config, 'url', true);
  const report = (code: Finding['code'], message: string): Finding[] => [{ code, at: ['url'], message }];
  const extra = checkSecret({ ...config, url_env: url }, 'url').length > 0 || 'url_env' in config;
  if (extra) return report('E_CONNECTOR', '"url" and "url_env" or "url_file": one is enough');
  if (!URL.canParse(url)) return report('E_CONNECTOR', '"url" is no URL');
  const { hostname, protocol } = new URL(url);
  if (isSecretUrl(new URL(url)))
    return report(
      'E_SECRET',
      'this URL is a secret: take it from the environment (`url_env`) or a file (`url_file`)',
    );
  if (protocol === 'http:' && !isLoopback(hostname))
    return report('W_CONNECTOR', 'what is posted here goes over the network unencrypted: use https');
  return [];
}

function isLoopback(hostname: string): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}

function checkFormat(config: WebhookConfig, message: MessageType): Finding[] {
  if (config.format === 'slack')
    return SLACK_MESSAGES.includes(message)
      ? []
      : [
          {
            code: 'E_CONNECTOR',
            at: ['format'],
            message: `there is no Slack message for ${message} records; there is for ${SLACK_MESSAGES.join(', ')}`,
          },
        ];
  if ('secret_env' in config || 'secret_file' in config) return [];
  const message_text =
    'not signed: without `secret_env` or `secret_file`, who gets it cannot tell who sent it';
  return [{ code: 'W_CONNECTOR', at: [], message: message_text }];
}
