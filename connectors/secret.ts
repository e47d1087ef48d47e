/**
 * Settings whose value is a secret: `{name}_env` names an environment variable, `{name}_file` a file (lint makes its path
 * absolute). Read at each use, so that a secret may be renewed under a running process; plans and logs never hold it.
 */
import { readFileSync } from 'node:fs';
import { type TString, Type } from 'typebox';
import { ErrataError } from '../messages/errata_error.ts';
import type { Finding } from './connector.ts';

type SecretSettings<Name extends string> = Record<`${Name}_env` | `${Name}_file`, TString>;

/** To be spread into a schema within `Type.Partial`. */
export function secretSettings<Name extends string>(name: Name, what: string): SecretSettings<Name> {
  return {
    [`${name}_env`]: Type.String({
      pattern: '^[A-Za-z_][A-Za-z0-9_]*$',
      examples: [name.toUpperCase()],
      description: `name of an environment variable that holds ${what}`,
    }),
    [`${name}_file`]: Type.String({ minLength: 1, description: `or the file that holds ${what}` }),
  } as SecretSettings<Name>;
}

type Settings = Readonly<Record<string, unknown>>;

/** Undefined where neither is set. Throws E_SECRET_MISSING where it is set and there is nothing. */
export function readSecret(config: object, name: string): string | undefined {
  const { [`${name}_env`]: variable, [`${name}_file`]: file } = config as Settings;
  if (typeof variable === 'string')
    return found(process.env[variable], `${name}_env: ${variable} is not set`);
  if (typeof file === 'string') return found(readText(file, name), `${name}_file: ${file} is empty`);
  return undefined;
}

/** What lint says where a secret has two places, or none although it needs one. */
export function checkSecret(config: object, name: string, is_required = false): Finding[] {
  const places = [`${name}_env`, `${name}_file`].filter((place) => place in config);
  if (places.length === 2)
    return [{ code: 'E_CONNECTOR', at: [places[1]!], message: `${places.join(' and ')}: one is enough` }];
  if (places.length === 1 || !is_required) return [];
  return [{ code: 'E_CONNECTOR', at: [], message: `"${name}_env" or "${name}_file" is missing` }];
}

function readText(file: string, name: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    const { code = 'it cannot be read' } = cause as NodeJS.ErrnoException;
    throw new ErrataError('E_SECRET_MISSING', `${name}_file: ${file}: ${code}`, { cause });
  }
}

function found(secret: string | undefined, otherwise: string): string {
  if (secret) return secret;
  throw new ErrataError('E_SECRET_MISSING', otherwise);
}
