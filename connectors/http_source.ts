/** Predictions and feedback over HTTP, from applications that have no Kafka client, and from web pages. */
import type { RunningSource, SourcePorts } from '../engine/edge.ts';
import { isLoopback } from '../messages/access_token.ts';
import { parseMegabytes } from '../messages/byte_size.ts';
import { parseDuration } from '../messages/duration.ts';
import { defineSource, type Finding } from './connector.ts';
import { HeldMessages } from './held_messages.ts';
import { HttpSourceConfig } from './ingest/ingest_options.ts';
import type { Endpoint } from './ingest/intake.ts';
import type { RecordKind } from './ingest/record_check.ts';
import type { ServerPlace } from './ingest/shared_server.ts';
import { checkSecret, readSecret } from './secret.ts';

export const httpSource = defineSource({
  kind: 'http',
  summary:
    'Takes records by `POST /v1/predictions` and `POST /v1/feedback`: JSON, arrays of it, or NDJSON. Answers 202 once Kafka has acknowledged.',
  example: `feedback:
  http: { accepts: feedback, port: 8090 }
  topic: feedback`,
  config: HttpSourceConfig,
  // Repetitions are dropped by their ids anyway where records are joined; a stage for it costs a hop.
  dedupe: 'never',
  check: (config) => [...checkSecret(config, 'token'), ...checkExposed(config)],
  start: startHttpSource,
});

const KINDS: Record<HttpSourceConfig['accepts'], RecordKind[]> = {
  predictions: ['prediction'],
  feedback: ['feedback'],
  both: ['prediction', 'feedback'],
};

async function startHttpSource(config: HttpSourceConfig, ports: SourcePorts): Promise<RunningSource> {
  const { joinServer } = await import('./ingest/shared_server.ts');
  const { checkExposure } = await import('./ingest/access.ts');
  checkExposure(config.host, readSecret(config, 'token') !== undefined);
  const held = new HeldMessages();
  const publish: SourcePorts['publish'] = (records) =>
    held.during(records.length, Date.now(), () => ports.publish(records));
  const endpoints = KINDS[config.accepts].map(
    (kind): Endpoint => ({ kind, key: config.key, ports: { publish, fail: ports.fail } }),
  );
  const server = await joinServer(placeOf(config, ports), endpoints);
  return { health: () => null, lag: () => held.lag(), stop: () => server.leave(endpoints) };
}

function placeOf(config: HttpSourceConfig, { log }: SourcePorts): ServerPlace {
  const { accepts: _, key: __, host, port, ...shared } = config;
  return {
    host,
    port,
    fingerprint: JSON.stringify(shared),
    settings: {
      access: { ...config, token: () => readSecret(config, 'token') },
      max_body_bytes: bytesOf(config.max_body),
      max_records: config.max_records,
      max_pending_bytes: bytesOf(config.max_pending),
      max_rate: config.max_rate,
      timeout_ms: parseDuration(config.timeout),
      idempotency_ms: parseDuration(config.idempotency),
    },
    log,
  };
}

function bytesOf(size: string): number {
  return parseMegabytes(size) * 1024 * 1024;
}

function checkExposed(config: HttpSourceConfig): Finding[] {
  if (isLoopback(config.host) || 'token_env' in config || 'token_file' in config) return [];
  const message = `everyone who reaches ${config.host} could write: set token_env or token_file, or listen on 127.0.0.1`;
  return [{ code: 'E_CONNECTOR', at: ['host'], message }];
}
