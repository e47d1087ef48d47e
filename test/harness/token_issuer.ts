/** Signed tokens for OAUTHBEARER (JWT, RS256), and the key set (JWKS) by which a broker verifies them. */
import { createSign, generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';

const KEY_ID = 'tests';

export class TokenIssuer {
  readonly #keys = generateKeyPairSync('rsa', { modulusLength: 2048 });

  writeKeySet(file: string): void {
    const key = { ...this.#keys.publicKey.export({ format: 'jwk' }), kid: KEY_ID, use: 'sig', alg: 'RS256' };
    writeFileSync(file, JSON.stringify({ keys: [key] }));
  }

  /** `lifetime_s` below zero: it has expired. */
  token(subject: string, lifetime_s = 600): string {
    const now_s = Math.floor(Date.now() / 1000);
    const times = { iat: now_s - 60 + Math.min(lifetime_s, 0), exp: now_s + lifetime_s };
    const claims = { sub: subject, iss: 'https://tests.invalid', aud: 'kafka', scope: 'kafka', ...times };
    const signed = [{ alg: 'RS256', typ: 'JWT', kid: KEY_ID }, claims].map(base64url).join('.');
    return `${signed}.${createSign('RSA-SHA256').update(signed).sign(this.#keys.privateKey, 'base64url')}`;
  }
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
