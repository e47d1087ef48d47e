/**
 * Whether Kafka lets this process in: asked once before anything starts, and told in words of the topology's settings.
 * What only somebody's hands can mend must not be tried again for ever.
 */
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { pino } from 'pino';
import { ErrataError } from '../messages/errata_error.ts';
import { connectKafka, withAdmin } from './kafka.ts';
import { kafkaErrorTypes } from './kafka_errors.ts';
import type { KafkaSettings, PasswordSettings } from './kafka_settings.ts';
import { tlsOptions } from './kafka_socket.ts';
import { tokenProvider } from './oauth_token.ts';
import { readSecret } from './secret_source.ts';

/**
 * Throws E_KAFKA_FILE, E_KAFKA_TOKEN, E_KAFKA_TLS and E_KAFKA_AUTH. What else is wrong, such as a broker that is away,
 * is left to who works with Kafka next.
 */
export async function checkAccess(settings: KafkaSettings): Promise<void> {
  await readFiles(settings);
  try {
    await ask(settings);
  } catch (error) {
    const refusal = accessError(error, settings) ?? noSasl(error, settings) ?? (await mismatch(settings));
    if (refusal) throw refusal;
  }
}

/** The refusal behind what kafkajs threw; null where it is something else. */
export function accessError(error: unknown, settings: KafkaSettings): ErrataError | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ErrataError && cause.code.startsWith('E_KAFKA_')) return cause;
    if (isTlsFailure(cause)) return tlsError(settings, plainly(cause.message), tlsHint(cause), error);
    if (cause.name === 'KafkaJSSASLAuthenticationError') return authError(settings, cause.message, error);
  }
  const type = kafkaErrorTypes(error).find((one) => one in AUTH_TYPES);
  if (type === undefined || settings.sasl === null) return null;
  return authError(settings, `${settings.sasl?.mechanism}: ${AUTH_TYPES[type]}`, error);
}

const AUTH_TYPES: Record<string, string> = {
  SASL_AUTHENTICATION_FAILED: 'the credentials are refused',
  UNSUPPORTED_SASL_MECHANISM: 'the broker does not take this mechanism here',
};

/**
 * At the first question. Later it only says that kafkajs sent another request while it authenticated again, which
 * passes.
 */
function noSasl(error: unknown, settings: KafkaSettings): ErrataError | null {
  if (settings.sasl === null || !kafkaErrorTypes(error).includes('ILLEGAL_SASL_STATE')) return null;
  const why = 'the broker does not authenticate by SASL here; is this the right port?';
  return authError(settings, `${settings.sasl.mechanism}: ${why}`, error);
}

/** What cannot be read now cannot be read by any worker. */
async function readFiles({ ssl, sasl }: KafkaSettings): Promise<void> {
  if (ssl) tlsOptions(ssl, 'localhost');
  if (sasl?.mechanism === 'oauthbearer') await tokenProvider(sasl.token)();
  else if (sasl) readSecret(sasl.password, 'password');
}

async function ask(settings: KafkaSettings): Promise<void> {
  // Its log would tell the same a second time, in other words.
  const kafka = connectKafka(settings, pino({ level: 'silent' }), 0);
  await withAdmin(kafka, (admin) => admin.describeCluster());
}

/** A connection that just closes has many reasons; these are the ones that settings make. */
async function mismatch(settings: KafkaSettings): Promise<ErrataError | null> {
  const { ssl, sasl } = settings;
  const open = { ...settings, ssl: null, sasl: null };
  if (ssl && (await connects(open)))
    return tlsError(
      settings,
      'the broker does not speak TLS there',
      'is this its TLS port? else drop kafka.ssl',
    );
  if (!ssl && (await speaksTls(settings.brokers[0]!)))
    return tlsError(settings, 'the broker speaks TLS there', 'set kafka.ssl: true, or { ca_file: … }');
  if (!sasl && (await wantsSasl(settings)))
    return authError(settings, 'the broker wants clients to authenticate there');
  return null;
}

/** Without authentication a broker answers which versions it speaks, if it understands the question. */
async function connects(settings: KafkaSettings): Promise<boolean> {
  return await withAdmin(connectKafka(settings, pino({ level: 'silent' }), 0), async () => true).catch(
    () => false,
  );
}

/** By asking for a mechanism that there is not: no name and no password goes out. */
async function wantsSasl(settings: KafkaSettings): Promise<boolean> {
  const sasl: PasswordSettings = { mechanism: 'none' as 'plain', username: '', password: { text: '' } };
  const refused = await ask({ ...settings, sasl }).then((): string[] => [], kafkaErrorTypes);
  return refused.includes('UNSUPPORTED_SASL_MECHANISM');
}

const HANDSHAKE_TIMEOUT_MS = 3_000;

/** Nothing is sent over the connection, so nobody has to be trusted. */
function speaksTls(broker: string): Promise<boolean> {
  const colon = broker.lastIndexOf(':');
  const host = broker.slice(0, colon);
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port: Number(broker.slice(colon + 1)),
      rejectUnauthorized: false,
      timeout: HANDSHAKE_TIMEOUT_MS,
      ...(isIP(host) ? {} : { servername: host }),
    });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('secureConnect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
    socket.once('close', () => end(false));
  });
}

const TLS_CODE =
  /^(CERT_|CRL_|DEPTH_|SELF_SIGNED|UNABLE_TO_|ERR_TLS_|ERR_SSL_|ERR_OSSL_|HOSTNAME_MISMATCH|INVALID_)/;

function isTlsFailure(error: Error): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && TLS_CODE.test(code);
}

/** Without the places in OpenSSL's sources. */
function plainly(message: string): string {
  const reason = /:error:[0-9A-F]+:[^:]*:[^:]*:(.*?):[./]/.exec(message);
  return (reason?.[1] ?? message.replace(/^Connection error: /, '')).trim();
}

function tlsHint(error: Error): string {
  const { code } = error as unknown as { code: string };
  if (/ALTNAME|HOSTNAME/.test(code))
    return 'name the brokers as their certificates do, or set kafka.ssl.server_name';
  if (/EXPIRED|NOT_YET/.test(code)) return "renew the broker's certificate, or set this machine's clock";
  if (/ALERT|REQUIRED/.test(code))
    return 'the broker refuses the client: see kafka.ssl cert_file and key_file';
  if (/OSSL|PEM/.test(code)) return 'see kafka.ssl: PEM files, and the passphrase of key_file';
  return 'set kafka.ssl.ca_file to the authority that signed the certificates of the brokers';
}

function tlsError(settings: KafkaSettings, what: string, hint: string, cause?: unknown): ErrataError {
  const message = `no encrypted connection to Kafka at ${settings.brokers.join(', ')}: ${what}`;
  return new ErrataError('E_KAFKA_TLS', message, { hint, cause });
}

function authError(settings: KafkaSettings, what: string, cause?: unknown): ErrataError {
  const { sasl } = settings;
  const who = sasl && 'username' in sasl ? ` as ${sasl.username}` : '';
  const message = `Kafka at ${settings.brokers.join(', ')} does not let this process in${who}: ${what}`;
  return new ErrataError('E_KAFKA_AUTH', message, {
    hint: sasl ? 'see kafka.sasl: mechanism, username, password_file or token' : 'set kafka.sasl',
    cause,
  });
}
