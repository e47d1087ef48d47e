/** Secrets are read when they are needed, and stand in no message. */
import { readFileSync } from 'node:fs';
import { ErrataError } from '../messages/errata_error.ts';
import type { SecretSource } from './kafka_settings.ts';

/** The secret, without the newline that editors leave behind. Throws E_KAFKA_FILE. */
export function readSecret(source: SecretSource, setting: string): string {
  return 'text' in source ? source.text : readSecretFile(source.file, `${setting}_file`);
}

/** `setting` is its name in the topology. Throws E_KAFKA_FILE, also where it is empty. */
export function readSecretFile(file: string, setting: string): string {
  const text = readKafkaFile(file, setting).replace(/\r?\n$/, '');
  if (text !== '') return text;
  throw new ErrataError('E_KAFKA_FILE', `${setting}: ${file} is empty`);
}

/** Throws E_KAFKA_FILE. */
export function readKafkaFile(file: string, setting: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const { code = 'it cannot be read' } = cause as NodeJS.ErrnoException;
    throw new ErrataError('E_KAFKA_FILE', `${setting}: ${file}: ${code}`, {
      hint: 'paths are relative to the topology file; the process must be allowed to read it',
      cause,
    });
  }
}
