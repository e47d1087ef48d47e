/**
 * Answers by `Idempotency-Key`: a request that comes again with its key gets the answer of the first, also while that is
 * still under way, and is not carried out again.
 */
import { ErrataError } from '../../messages/errata_error.ts';

export interface IdempotencyOptions {
  window_ms: number;
  /** The oldest are forgotten before their time. */
  max_keys: number;
}

interface Remembered<Answer> {
  /** Of the request. */
  fingerprint: string;
  answer: Promise<Answer>;
  expires_ms: number;
}

export class IdempotencyKeys<Answer> {
  readonly #options: IdempotencyOptions;
  /** Oldest first. */
  readonly #remembered = new Map<string, Remembered<Answer>>();

  constructor(options: IdempotencyOptions) {
    this.#options = options;
  }

  /**
   * What `carryOut` resolves to, now or when the key first came; where it rejects, the key is free again. Throws
   * E_IDEMPOTENCY_KEY where the key came with another request.
   */
  once(key: string, fingerprint: string, now_ms: number, carryOut: () => Promise<Answer>): Promise<Answer> {
    const known = this.#remembered.get(key);
    if (known && known.expires_ms > now_ms) {
      if (known.fingerprint === fingerprint) return known.answer;
      throw new ErrataError('E_IDEMPOTENCY_KEY', 'this Idempotency-Key has come with another request', {
        hint: 'make a new key for each request; the same one only to send a request again',
      });
    }
    this.#forget(now_ms);
    const answer = carryOut();
    this.#remembered.set(key, { fingerprint, answer, expires_ms: now_ms + this.#options.window_ms });
    answer.catch(() => this.#remembered.delete(key));
    return answer;
  }

  #forget(now_ms: number): void {
    for (const [key, { expires_ms }] of this.#remembered) {
      if (expires_ms > now_ms && this.#remembered.size < this.#options.max_keys) return;
      this.#remembered.delete(key);
    }
  }
}
