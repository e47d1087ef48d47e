/** What a service answers when it is asked about resources: within 10 s, or an error that says where it was asked and what helps. */
import { ErrataError, errorMessage } from '../../messages/errata_error.ts';

export const ANSWER_MAX_MS = 10_000;

export interface Service {
  /** As in `Pub/Sub at 127.0.0.1:8085`. */
  name: string;
  /** Where it cannot be reached. */
  hint: string;
  /** What helps against an error of its own; undefined: nothing is known. */
  hintFor?(error: unknown): string | undefined;
}

/** Asks one service. Who could not be reached is not asked again: each time would be waited for. */
export class Asking {
  readonly #service: Service;
  #unreachable: ErrataError | null = null;

  constructor(service: Service) {
    this.#service = service;
  }

  /** Rejects with `E_PROVISION`, but with what `isAnswer` takes for one. */
  async answerOf<Answer>(ask: () => Promise<Answer>, isAnswer: (error: unknown) => boolean): Promise<Answer> {
    if (this.#unreachable) throw this.#unreachable;
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(this.#away(NO_ANSWER)), ANSWER_MAX_MS + 500);
    try {
      return await Promise.race([ask(), late.promise]);
    } catch (error) {
      if (error instanceof ErrataError || isAnswer(error)) throw error;
      throw this.#explained(error);
    } finally {
      clearTimeout(timer);
    }
  }

  #explained(error: unknown): ErrataError {
    const { code } = error as { code?: unknown };
    if (code === DEADLINE_EXCEEDED) return this.#away(NO_ANSWER, error);
    const message = errorMessage(error);
    const refusal = /\b(connect|getaddrinfo) E?[A-Z_]+[^\s,.]*( [^\s,]*[^\s,.])?/.exec(message)?.[0];
    if (code === UNAVAILABLE || refusal !== undefined)
      return this.#away(refusal ?? shortened(message), error);
    const { name, hintFor } = this.#service;
    const hint = hintFor?.(error);
    const options = hint === undefined ? { cause: error } : { cause: error, hint };
    return new ErrataError('E_PROVISION', `${name}: ${shortened(message)}`, options);
  }

  #away(why: string, cause?: unknown): ErrataError {
    const { name, hint } = this.#service;
    this.#unreachable = new ErrataError('E_PROVISION', `${name} cannot be reached: ${why}`, { hint, cause });
    return this.#unreachable;
  }
}

const NO_ANSWER = `it does not answer within ${ANSWER_MAX_MS / 1000} s`;
/** Of gRPC. */
const DEADLINE_EXCEEDED = 4;
const UNAVAILABLE = 14;
const MOST_CHARACTERS = 300;

function shortened(message: string): string {
  const line = message.replaceAll(/\s+/g, ' ').trim();
  return line.length > MOST_CHARACTERS ? `${line.slice(0, MOST_CHARACTERS)}…` : line;
}

/** `emulator`: the variable that names one, and its value. */
export function serviceOf(
  name: string,
  address: string,
  emulator: readonly [string, string | undefined],
): Service {
  const [variable, value] = emulator;
  return value
    ? { name: `${name} at ${value}`, hint: `start the emulator, or unset ${variable}` }
    : { name: `${name} (${address})`, hint: 'check the network between here and there, and proxies' };
}
