/** `errata proxy`: in front of a model server, capturing what it does. */
import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { createLog, LOG_LEVELS } from '../../engine/log.ts';
import { parseMegabytes } from '../../messages/byte_size.ts';
import { ErrataError, errorMessage } from '../../messages/errata_error.ts';
import type { KafkaPublisherOptions } from '../../sdk/kafka_publisher.ts';
import { brokersFrom } from '../kafka_brokers.ts';
import { duration, port } from '../option_values.ts';
import { stopSignal } from '../run/stop_signal.ts';

interface Flags {
  upstream: string;
  host: string;
  port: number;
  adminHost: string;
  adminPort: number;
  brokers?: string;
  topic: string;
  deployment?: string;
  modelVersion: string;
  timeout: number;
  connectTimeout: number;
  keepHost?: boolean;
  maxBody: number;
  maxBuffer: number;
  kafkaSsl?: boolean;
  kafkaSslCa?: string;
  kafkaSaslMechanism?: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  kafkaUsername?: string;
  kafkaPasswordFile?: string;
  logLevel: string;
}

export function addProxy(program: Command): void {
  program
    .command('proxy')
    .description('pass inferences on to a TF Serving or KServe v2 endpoint and publish what it did')
    .requiredOption('--upstream <url>', 'the endpoint, e.g. http://127.0.0.1:8501')
    .option('--host <host>', 'to listen on; the proxy asks nobody who they are', '127.0.0.1')
    .option('--port <port>', '0 picks a free one', port, 8600)
    .option('--admin-host <host>', 'of /health, /ready and /metrics', '127.0.0.1')
    .option('--admin-port <port>', '0 picks a free one', port, 8601)
    .option('--brokers <list>', 'of Kafka, host:port,…; default: KAFKA_BROKERS')
    .option('--topic <topic>', 'of the predictions; it must exist', 'predictions')
    .option('--deployment <id>', 'deployment_id of all predictions; default: the name of the model')
    .option('--model-version <version>', 'where neither response nor path names one', 'unknown')
    .addOption(measured('--timeout <duration>', 'without a byte from or to the upstream', duration, '60s'))
    .addOption(measured('--connect-timeout <duration>', 'for a connection to the upstream', duration, '5s'))
    .option('--keep-host', "pass the client's Host header on, not that of --upstream")
    .addOption(
      measured(
        '--max-body <size>',
        'a larger request or response passes, but is not captured',
        megabytes,
        '1m',
      ),
    )
    .addOption(
      measured(
        '--max-buffer <size>',
        'for what Kafka has not acknowledged; more is dropped',
        megabytes,
        '64m',
      ),
    )
    .option('--kafka-ssl', 'TLS to Kafka')
    .option('--kafka-ssl-ca <file>', 'PEM, who signed the certificates of the brokers (implies --kafka-ssl)')
    .addOption(
      new Option('--kafka-sasl-mechanism <name>').choices(['plain', 'scram-sha-256', 'scram-sha-512']),
    )
    .option('--kafka-username <name>', 'of SASL')
    .option('--kafka-password-file <file>', 'of SASL; or set ERRATA_KAFKA_PASSWORD')
    .addOption(
      new Option('--log-level <level>', 'of the log on standard error').choices(LOG_LEVELS).default('info'),
    )
    .action(proxy);
}

/** Help tells the default as the option takes it. */
function measured(flags: string, about: string, parse: (text: string) => number, by_default: string): Option {
  return new Option(flags, about).argParser(parse).default(parse(by_default), by_default);
}

async function proxy(flags: Flags): Promise<void> {
  const max_bytes = flags.maxBuffer * 2 ** 20;
  const kafka = kafkaOf(flags, process.env);
  const signal = stopSignal();
  const { serveProxy } = await import('../run/serve_proxy.ts');
  await serveProxy({
    listen: { host: flags.host, port: flags.port },
    admin: { host: flags.adminHost, port: flags.adminPort },
    upstream: {
      url: flags.upstream,
      connect_timeout_ms: flags.connectTimeout,
      timeout_ms: flags.timeout,
      keep_host: flags.keepHost ?? false,
    },
    publishing: {
      naming: { deployment_id: flags.deployment, model_version: flags.modelVersion },
      // The proxy bounds what is with the publisher; these are for what bodies become as JSON.
      kafka: {
        ...kafka,
        linger_ms: LINGER_MS,
        max_buffered: 2 * MAX_BUFFERED,
        max_buffered_bytes: 4 * max_bytes,
      },
    },
    bounds: { max_buffered: MAX_BUFFERED, max_buffered_bytes: max_bytes },
    max_body_bytes: flags.maxBody * 2 ** 20,
    log: createLog(flags.logLevel),
    say: (line) => console.log(line),
    signal,
  });
}

const MAX_BUFFERED = 50_000;
/** Nobody waits for the events: larger batches cost the model's machine less. */
const LINGER_MS = 100;

/** Throws E_KAFKA_BROKERS or E_KAFKA_SASL. */
function kafkaOf(flags: Flags, env: NodeJS.ProcessEnv): KafkaPublisherOptions {
  const brokers = brokersFrom({ KAFKA_BROKERS: flags.brokers ?? env.KAFKA_BROKERS });
  if (!brokers) {
    throw new ErrataError('E_KAFKA_BROKERS', 'there is no Kafka to publish to', {
      hint: 'set KAFKA_BROKERS or --brokers',
    });
  }
  const { kafkaSsl: is_encrypted, kafkaSslCa: ca_file } = flags;
  const ca = ca_file === undefined ? undefined : read(ca_file);
  const sasl = saslOf(flags, env);
  return {
    brokers,
    topics: { prediction: flags.topic },
    client_id: 'errata-proxy',
    ...(ca === undefined ? (is_encrypted ? { ssl: true } : {}) : { ssl: { ca } }),
    ...(sasl === undefined ? {} : { sasl }),
  };
}

function saslOf(flags: Flags, { ERRATA_KAFKA_PASSWORD }: NodeJS.ProcessEnv): KafkaPublisherOptions['sasl'] {
  const { kafkaSaslMechanism: mechanism, kafkaUsername: username, kafkaPasswordFile: file } = flags;
  if (mechanism === undefined) return undefined;
  const password = file === undefined ? ERRATA_KAFKA_PASSWORD : read(file).trim();
  if (username && password) return { mechanism, username, password } as KafkaPublisherOptions['sasl'];
  throw new ErrataError('E_KAFKA_SASL', `${mechanism} needs a user name and a password`, {
    hint: 'set --kafka-username, and --kafka-password-file or ERRATA_KAFKA_PASSWORD',
  });
}

/** Throws E_FILE. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ErrataError('E_FILE', `${file} cannot be read: ${errorMessage(cause)}`, { cause });
  }
}

function megabytes(text: string): number {
  try {
    return parseMegabytes(text);
  } catch {
    throw new InvalidArgumentError('a size is e.g. 16m, 1g');
  }
}
