/**
 * Requests by `Idempotency-Key`: one that comes again with its key, also while the first is still under way, is not
 * carried out again. Only that is remembered: what is answered follows from the body, which came again as well, and may
 * be large.
 */
import { ErrataError } from '../../messages/errata_error.ts';

export interface IdempotencyOptions {
  window_ms: number;
  /** The oldest are forgotten before their time. */
  max_keys: number;
}

interface Remembered {
  /** Of the request. */
  fingerprint: string;
  done: Promise<void>;
  expires_ms: number;
}

export class IdempotencyKeys {
  readonly #options: IdempotencyOptions;
  /** Oldest first. */
  readonly #remembered = new Map<string, Remembered>();

  constructor(options: IdempotencyOptions) {
    this.#options = options;
  }

  /**
   * Resolves when `carryOut` has, now or when the key first came; where it rejects, the key is free again. Throws
   * E_IDEMPOTENCY_KEY where the key came with another request.
   */
  once(key: string, fingerprint: string, now_ms: number, carryOut: () => Promise<void>): Promise<void> {
    const known = this.#remembered.get(key);
    if (known && known.expires_ms > now_ms) {
      if (known.fingerprint === fingerprint) return known.done;
      throw new ErrataError('E_IDEMPOTENCY_KEY', 'this Idempotency-Key has come with another request', {
        hint: 'make a new key for each request; the same one only to send a request again',
      });
    }
    this.#forget(now_ms);
    const done = carryOut();
    this.#remembered.set(key, { fingerprint, done, expires_ms: now_ms + this.#options.window_ms });
    done.catch(() => this.#remembered.delete(key));
    return done;
  }

  #forget(now_ms: number): void {
    for (const [key, { expires_ms }] of this.#remembered) {
      if (expires_ms > now_ms && this.#remembered.size < this.#options.max_keys) return;
      this.#remembered.delete(key);
    }
  }
}
