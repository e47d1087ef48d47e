/** How often a worker may die, and how long it is left alone after a death. */
export interface RestartLimits {
  /** So many deaths within the period are restarted; one more fails the topology. */
  budget: number;
  period_ms: number;
  first_backoff_ms: number;
  /** A worker that ran for longer than this begins with the first backoff again. */
  most_backoff_ms: number;
}

export const RESTARTS: RestartLimits = {
  budget: 10,
  period_ms: 5 * 60_000,
  first_backoff_ms: 200,
  most_backoff_ms: 10_000,
};

export class RestartBudget {
  readonly #limits: RestartLimits;
  #deaths_ms: number[] = [];
  #backoff_ms: number;

  constructor(limits: RestartLimits) {
    this.#limits = limits;
    this.#backoff_ms = limits.first_backoff_ms;
  }

  /** How long to wait before the restart. */
  backoff(ran_ms: number): number {
    const { first_backoff_ms, most_backoff_ms } = this.#limits;
    if (ran_ms > most_backoff_ms) this.#backoff_ms = first_backoff_ms;
    const backoff_ms = this.#backoff_ms;
    this.#backoff_ms = Math.min(backoff_ms * 2, most_backoff_ms);
    return backoff_ms;
  }

  /** Null, or how it is exceeded. */
  spend(now_ms: number): string | null {
    const { budget, period_ms } = this.#limits;
    this.#deaths_ms = [...this.#deaths_ms.filter((at_ms) => now_ms - at_ms < period_ms), now_ms];
    const deaths = this.#deaths_ms.length;
    return deaths > budget ? `died ${deaths} times in ${period_ms / 60_000} minutes` : null;
  }
}
