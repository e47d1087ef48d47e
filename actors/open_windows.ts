/**
 * How many windows a task keeps, in its state under `n`, and what is refused where it would be one too many: the
 * windows that are there go on, and what would open another goes to the late topic with its reason and is counted.
 */
import type { Context } from './actor.ts';
import { bringsEvents, type WindowDelta, windowKey } from './window_delta.ts';

const COUNT = 'n';

export const TOO_MANY_WINDOWS = 'max_open_windows';

export class OpenWindows {
  readonly #account: string;
  readonly #max: number;

  /** `account`: the window actor's, in the ledger. */
  constructor(account: string, max: number) {
    this.#account = account;
    this.#max = max;
  }

  /** False where there is no room: then `delta` has been refused. */
  open(delta: WindowDelta, context: Context): boolean {
    const count = context.state.get<number>(COUNT) ?? 0;
    if (count < this.#max) {
      context.state.set(COUNT, count + 1);
      return true;
    }
    this.#setAside(delta, 'refused', context);
    return false;
  }

  close(context: Context, windows = 1): void {
    const count = (context.state.get<number>(COUNT) ?? 0) - windows;
    if (count > 0) context.state.set(COUNT, count);
    else context.state.delete(COUNT);
  }

  tooLate(delta: WindowDelta, context: Context): void {
    this.#setAside(delta, 'late', context);
  }

  #setAside(delta: WindowDelta, how: 'late' | 'refused', context: Context): void {
    // Predictions that were only counted for completeness are accounted for at capture.
    if (!bringsEvents(delta)) return;
    context.count(this.#account, how, delta.represents);
    context.late(windowKey(delta.key), delta, how === 'late' ? 'late' : TOO_MANY_WINDOWS);
  }
}
