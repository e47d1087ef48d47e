/** What becomes of a message that an application handed over, and how many met which end. */

export type Delivery =
  /** The broker has acknowledged it. */
  | { outcome: 'published' }
  /** It was not taken in: the buffer was full, or closed. */
  | { outcome: 'dropped'; reason: string }
  /** It was taken in and could not be delivered: no valid message, refused, or not in time. */
  | { outcome: 'failed'; reason: string };

export const PUBLISHED: Delivery = { outcome: 'published' };

/** `captured` is `published + dropped + failed` and what is still under way. */
export interface DeliveryStats {
  captured: number;
  published: number;
  dropped: number;
  failed: number;
  /** Why the last one was dropped or failed. */
  last_problem: string | undefined;
}

export class DeliveryCounter {
  readonly #stats: DeliveryStats = {
    captured: 0,
    published: 0,
    dropped: 0,
    failed: 0,
    last_problem: undefined,
  };

  /** Counts one as captured; the function returned takes its end. */
  expectOne(): (delivery: Delivery) => void {
    this.#stats.captured++;
    return (delivery) => {
      this.#stats[delivery.outcome]++;
      if (delivery.outcome !== 'published') this.#stats.last_problem = delivery.reason;
    };
  }

  get stats(): DeliveryStats {
    return { ...this.#stats };
  }
}
