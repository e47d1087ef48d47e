/**
 * Tells an empty subscription from a stream that has stalled: when nothing has come for a while, it asks by a call of its own whether
 * something waits, gives that back, and listens whether it comes by the stream.
 */

/** Whether a message waits; it is left to whoever is next. Rejects where there is no answer. */
export interface Probe {
  finds(): Promise<boolean>;
}

export interface SilenceWatchOptions {
  probe: Probe;
  quiet_ms: number;
  /** Messages are under way: whoever holds them back does so on this side. */
  isBusy(): boolean;
  /** Each answer of the probe: null, or what it rejected with. */
  onAnswer(trouble: unknown): void;
  onStalled(): void;
}

/** For what was given back to come by the stream. */
const GRACE_MS = 5_000;
/** Between questions while there is no answer, or the client complained. */
const RECHECK_MS = 1_000;

export class SilenceWatch {
  readonly #options: SilenceWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #heard = 0;
  #is_asking = false;
  #is_stopped = false;

  constructor(options: SilenceWatchOptions) {
    this.#options = options;
    this.#askAfter(options.quiet_ms);
  }

  heard(): void {
    this.#heard++;
  }

  /** Something went wrong on the stream: it is asked soon. */
  suspect(): void {
    if (!this.#is_asking) this.#askAfter(RECHECK_MS);
  }

  stop(): void {
    this.#is_stopped = true;
    clearTimeout(this.#timer);
  }

  #askAfter(wait_ms: number): void {
    clearTimeout(this.#timer);
    if (this.#is_stopped) return;
    const heard = this.#heard;
    this.#timer = setTimeout(() => {
      const { isBusy, onAnswer, quiet_ms } = this.#options;
      if (this.#heard === heard && !isBusy()) return void this.#ask(heard);
      if (this.#heard > heard) onAnswer(null);
      this.#askAfter(quiet_ms);
    }, wait_ms);
    this.#timer.unref();
  }

  async #ask(heard: number): Promise<void> {
    const { probe, quiet_ms, onAnswer } = this.#options;
    this.#is_asking = true;
    try {
      const finds = await probe.finds();
      if (this.#is_stopped) return;
      onAnswer(null);
      if (finds) this.#listen(heard);
      else this.#askAfter(quiet_ms);
    } catch (error) {
      if (this.#is_stopped) return;
      onAnswer(error);
      this.#askAfter(RECHECK_MS);
    } finally {
      this.#is_asking = false;
    }
  }

  #listen(heard: number): void {
    const { quiet_ms, onStalled } = this.#options;
    this.#timer = setTimeout(() => {
      if (this.#heard > heard) this.#askAfter(quiet_ms);
      else onStalled();
    }, GRACE_MS);
    this.#timer.unref();
  }
}
