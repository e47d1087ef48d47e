/**
 * What kafkajs authenticates with. Passwords and tokens are read for each authentication, so that what is renewed in
 * its file is used from the next connection on.
 */
import type { AuthenticationProviderArgs, Mechanism, SASLOptions } from 'kafkajs';
import { ErrataError } from '../messages/errata_error.ts';
import type { PasswordSettings, SaslSettings } from './kafka_settings.ts';
import { type TokenProvider, tokenProvider } from './oauth_token.ts';
import { readSecret } from './secret_source.ts';

export function saslOptions(sasl: SaslSettings): SASLOptions | Mechanism {
  if (sasl.mechanism !== 'oauthbearer') return passwordOptions(sasl);
  const token = tokenProvider(sasl.token);
  return {
    mechanism: sasl.mechanism,
    authenticationProvider: (args) => ({ authenticate: () => presentToken(token, args) }),
  };
}

/** kafkajs asks for the password each time it authenticates. */
function passwordOptions({ mechanism, username, password }: PasswordSettings): SASLOptions {
  const options = {
    mechanism,
    username,
    get password() {
      return readSecret(password, 'password');
    },
  };
  return options as SASLOptions;
}

const SEPARATOR = '\x01';

/** RFC 7628. kafkajs's own takes a refused token for accepted: it does not read the answer. */
async function presentToken(token: TokenProvider, { saslAuthenticate }: AuthenticationProviderArgs) {
  const initial = `n,,${SEPARATOR}auth=Bearer ${await token()}${SEPARATOR}${SEPARATOR}`;
  const refusal = await saslAuthenticate({ request: saslBytes(initial), response: saslText });
  if (!refusal) return;
  // What is refused has to be acknowledged; the answer to that is the error.
  await saslAuthenticate({ request: saslBytes(SEPARATOR), response: saslText });
  throw new ErrataError('E_KAFKA_AUTH', `the token is refused: ${refusal}`);
}

/** Bytes go with their length in front (int32). */
function saslBytes(text: string) {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length);
  return { encode: async () => Buffer.concat([length, bytes]) };
}

const saslText = {
  decode: async (answer: Buffer) => answer.subarray(4),
  parse: (bytes: Buffer) => bytes.toString('utf8'),
};
