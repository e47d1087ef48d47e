/**
 * The one error type of errata. `code` is stable and documented; `message` says what went wrong and where,
 * `hint` says what to do about it.
 */
export class ErrataError extends Error {
  override readonly name = 'ErrataError';
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }

  /** One line for a terminal: code, message and hint. */
  override toString(): string {
    return `${this.code}: ${this.message}${this.hint ? ` (${this.hint})` : ''}`;
  }
}

/** The text of anything that was thrown, for logs and messages. */
export function errorMessage(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
