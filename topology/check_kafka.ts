/** What the schema of `kafka` cannot say: which settings go together. */
import { isRecord } from './defaults.ts';
import type { LintContext } from './draft.ts';
import type { KafkaConnection, KafkaProperties, KafkaSasl, KafkaSsl, PropertyName } from './kafka_schema.ts';

type Report = (path: string[], message: string) => void;

/** `kafka` may have mistakes that are reported already. */
export function checkKafka(kafka: unknown, { document, problems }: LintContext): void {
  if (!isRecord(kafka)) return;
  const { ssl, sasl, properties } = kafka as KafkaConnection;
  const at = (section: string): Report => {
    return (path, message) =>
      problems.report('E_KAFKA_CONNECTION', document.valueAt(['kafka', section, ...path]), message);
  };
  if (isRecord(ssl)) checkSsl(ssl, at('ssl'));
  if (isRecord(sasl)) checkSasl(sasl as KafkaSasl, at('sasl'));
  const { mechanism } = sasl ?? {};
  if (!ssl && (mechanism === 'plain' || mechanism === 'oauthbearer'))
    problems.report(
      'W_SECRET_UNENCRYPTED',
      document.valueAt(['kafka', 'sasl', 'mechanism']),
      `${mechanism} sends its secret readable by all on the way: set "ssl" beside "sasl"`,
    );
  if (isRecord(properties)) checkProperties(properties, given(document.value), at('properties'));
}

function given(root: unknown): string[] {
  const kafka = isRecord(root) && isRecord(root.kafka) ? root.kafka : {};
  return isRecord(kafka.properties) ? Object.keys(kafka.properties) : [];
}

function checkSsl(ssl: KafkaSsl, report: Report): void {
  if (ssl.cert_file !== undefined && ssl.key_file === undefined)
    report(['cert_file'], 'a certificate of the client needs its "key_file"');
  if (ssl.key_file !== undefined && ssl.cert_file === undefined)
    report(['key_file'], 'a key of the client needs its "cert_file"');
  atMostOne(ssl, ['passphrase_file', 'passphrase'], report);
}

const BY_PASSWORD = ['username', 'password_file', 'password'] as const;
const BY_FILE = ['token_file'] as const;
const BY_ENDPOINT = ['token_endpoint', 'client_id', 'client_secret_file', 'client_secret', 'scope'] as const;

function checkSasl(sasl: KafkaSasl, report: Report): void {
  const { mechanism } = sasl;
  if (mechanism === undefined) return;
  if (mechanism === 'oauthbearer') {
    misplaced(sasl, BY_PASSWORD, report);
    checkToken(sasl, report);
  } else {
    misplaced(sasl, [...BY_FILE, ...BY_ENDPOINT], report);
    exactlyOne(sasl, ['password_file', 'password'], report);
    if (sasl.username === undefined) report([], `"username" is missing for ${mechanism}`);
  }
}

function checkToken(sasl: KafkaSasl, report: Report): void {
  exactlyOne(sasl, ['token_file', 'token_endpoint'], report);
  if (sasl.token_endpoint === undefined) return;
  exactlyOne(sasl, ['client_secret_file', 'client_secret'], report);
  if (sasl.client_id === undefined) report([], '"client_id" is missing for "token_endpoint"');
}

function misplaced(sasl: KafkaSasl, names: readonly (keyof KafkaSasl)[], report: Report): void {
  for (const name of names)
    if (sasl[name] !== undefined) report([name], `"${name}" is not a setting of ${sasl.mechanism}`);
}

function exactlyOne<Settings extends object>(
  settings: Settings,
  names: [string & keyof Settings, string & keyof Settings],
  report: Report,
): void {
  if (names.every((name) => settings[name] === undefined))
    report([], `"${names[0]}" or "${names[1]}" is missing`);
  atMostOne(settings, names, report);
}

function atMostOne<Settings extends object>(
  settings: Settings,
  names: [string & keyof Settings, string & keyof Settings],
  report: Report,
): void {
  if (names.every((name) => settings[name] !== undefined))
    report([names[1]], `"${names[0]}" and "${names[1]}" say the same: give one of them`);
}

const LIMITS: [smaller: PropertyName, larger: PropertyName][] = [
  ['heartbeat.interval.ms', 'session.timeout.ms'],
  ['retry.backoff.ms', 'retry.backoff.max.ms'],
  ['fetch.max.wait.ms', 'request.timeout.ms'],
  ['max.partition.fetch.bytes', 'fetch.max.bytes'],
];

function checkProperties(properties: KafkaProperties, given: readonly string[], report: Report): void {
  for (const [smaller, larger] of LIMITS) {
    if (!(properties[smaller] > properties[larger])) continue;
    const name = given.includes(smaller) ? smaller : larger;
    report([name], `${smaller} (${properties[smaller]}) must not exceed ${larger} (${properties[larger]})`);
  }
}
