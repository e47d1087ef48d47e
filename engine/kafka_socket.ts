/** Connections to brokers, encrypted where the settings ask for it. */
import { isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { ISocketFactory } from 'kafkajs';
import { connectFramed } from './framed_socket.ts';
import type { SslSettings } from './kafka_settings.ts';
import { readKafkaFile, readSecret } from './secret_source.ts';

const KEEP_ALIVE_DELAY_MS = 60_000;

export function socketFactory(ssl: SslSettings | null): ISocketFactory {
  return ({ host, port, onConnect }): Socket => {
    const socket = ssl
      ? connectTls({ host, port, ...tlsOptions(ssl, host) }, onConnect)
      : connectFramed({ host, port }, onConnect);
    return socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
  };
}

/** Reads the files. Throws E_KAFKA_FILE. */
export function tlsOptions(
  { ca_file, certificate, server_name }: SslSettings,
  host: string,
): ConnectionOptions {
  const name = server_name ?? host;
  return {
    // An address is not sent as a name (RFC 6066), but it is verified all the same.
    ...(isIP(name) ? {} : { servername: name }),
    ...(ca_file === null ? {} : { ca: readKafkaFile(ca_file, 'ca_file') }),
    ...(certificate === null ? {} : clientCertificate(certificate)),
  };
}

function clientCertificate({
  cert_file,
  key_file,
  passphrase,
}: NonNullable<SslSettings['certificate']>): ConnectionOptions {
  return {
    cert: readKafkaFile(cert_file, 'cert_file'),
    key: readKafkaFile(key_file, 'key_file'),
    ...(passphrase === null ? {} : { passphrase: readSecret(passphrase, 'passphrase') }),
  };
}
