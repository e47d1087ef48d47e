/** Certificates for tests, by openssl: an authority, a broker on this machine, a client, and a stranger's authority. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificates {
  ca_file: string;
  /** Of nobody who signed anything here. */
  other_ca_file: string;
  /** Key and certificate in one file, as Kafka takes them. */
  broker_file: string;
  /** Encrypted with `passphrase`. */
  client: { cert_file: string; key_file: string; passphrase: string };
}

const CLIENT_PASSPHRASE = 'key-pass-phrase';

/** `client_name`: common name in the client's certificate. */
export function makeCertificates(folder: string, client_name: string): Certificates {
  const at = (name: string) => join(folder, name);
  authority(at('ca'), 'errata tests');
  authority(at('other'), 'somebody else');
  signed(at('broker'), at('ca'), 'broker', 'subjectAltName=IP:127.0.0.1,DNS:localhost');
  signed(at('client'), at('ca'), client_name, 'extendedKeyUsage=clientAuth');
  writeFileSync(
    at('broker.pem'),
    readFileSync(at('broker.key'), 'utf8') + readFileSync(at('broker.crt'), 'utf8'),
  );
  openssl(
    'pkcs8',
    '-topk8',
    '-in',
    at('client.key'),
    '-out',
    at('client.locked'),
    '-passout',
    `pass:${CLIENT_PASSPHRASE}`,
  );
  return {
    ca_file: at('ca.crt'),
    other_ca_file: at('other.crt'),
    broker_file: at('broker.pem'),
    client: { cert_file: at('client.crt'), key_file: at('client.locked'), passphrase: CLIENT_PASSPHRASE },
  };
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

function authority(path: string, name: string): void {
  openssl(
    'req',
    '-x509',
    ...KEY,
    '-keyout',
    `${path}.key`,
    '-out',
    `${path}.crt`,
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
  );
}

function signed(path: string, ca: string, name: string, extension: string): void {
  openssl('req', ...KEY, '-keyout', `${path}.key`, '-out', `${path}.csr`, '-subj', `/CN=${name}`);
  writeFileSync(`${path}.ext`, extension);
  const by = ['-CA', `${ca}.crt`, '-CAkey', `${ca}.key`, '-CAcreateserial'];
  openssl(
    'x509',
    '-req',
    '-in',
    `${path}.csr`,
    ...by,
    '-days',
    '2',
    '-extfile',
    `${path}.ext`,
    '-out',
    `${path}.crt`,
  );
}

function openssl(...args: string[]): void {
  const { status, stderr, error } = spawnSync('openssl', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${args[0]}: ${error?.message ?? stderr}`);
}
