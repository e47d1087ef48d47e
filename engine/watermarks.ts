/**
 * How far event time has come in one task: the least of what its inputs say. A watermark W promises that no record
 * earlier than W is expected.
 *
 * 1. The watermark never goes back.
 * 2. An input that has not spoken yet holds it.
 * 3. An idle input does not hold it. When every input is idle, it goes up to what they said when they became idle,
 *    and that was written to the log before anybody acts on it.
 */
import type { TaskId } from './assignment.ts';

/** Written by every upstream task to every partition of the topic downstream, in the commit of its partials. */
export interface WatermarkRecord {
  task: TaskId;
  /** Milliseconds; null until the task knows, which with `live` holds whoever reads it. */
  value_ms: number | null;
  /**
   * `live`: the value stands. `idle`: nothing comes; if that is so everywhere, time may go up to `until_ms`
   * (wall clock at the decision), or, where that is null, all open windows may close.
   */
  state: { type: 'live' } | { type: 'idle'; until_ms: number | null };
}

/** What one input says of time. */
export type InputTime =
  | { type: 'unknown' }
  | { type: 'live'; value_ms: number }
  | { type: 'idle'; value_ms: number | null; until_ms: number | null };

export const UNKNOWN_TIME: InputTime = { type: 'unknown' };

/** The watermark of several inputs, and whether all of them are idle. */
export function combine(inputs: Iterable<InputTime>): InputTime {
  let combined: InputTime | undefined;
  for (const input of inputs) combined = combined === undefined ? input : least(combined, input);
  return combined ?? UNKNOWN_TIME;
}

/** Of two inputs. Asked for with every record, so it makes an object only where both are idle. */
export function least(a: InputTime, b: InputTime): InputTime {
  if (a.type === 'unknown' || b.type === 'unknown') return UNKNOWN_TIME;
  if (a.type === 'live') return b.type === 'live' && b.value_ms < a.value_ms ? b : a;
  if (b.type === 'live') return b;
  const value_ms = leastKnown(a.value_ms, b.value_ms);
  return { type: 'idle', value_ms, until_ms: leastKnown(a.until_ms, b.until_ms) };
}

function leastKnown(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : Math.min(a, b);
}

function latest(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : Math.max(a, b);
}

/** Event time of one partition of a source. */
export class EventTimeInput {
  readonly disorder_ms: number;
  #max_ms = Number.NEGATIVE_INFINITY;
  #idle_until_ms: number | null | undefined;

  constructor(disorder_ms: number, restored_ms: number | null) {
    this.disorder_ms = disorder_ms;
    if (restored_ms !== null) this.#max_ms = restored_ms + disorder_ms;
  }

  observe(time_ms: number): void {
    this.#idle_until_ms = undefined;
    if (time_ms > this.#max_ms) this.#max_ms = time_ms;
  }

  /** A producer says that nothing earlier than `time_ms` follows. */
  heartbeat(time_ms: number): void {
    this.observe(time_ms + this.disorder_ms);
  }

  becomeIdle(until_ms: number | null): void {
    this.#idle_until_ms = until_ms;
  }

  /** True if it was idle until now. */
  becomeLive(): boolean {
    const was_idle = this.#idle_until_ms !== undefined;
    this.#idle_until_ms = undefined;
    return was_idle;
  }

  /** What its records have moved time to; negative infinity before the first. */
  get reached_ms(): number {
    return this.#max_ms - this.disorder_ms;
  }

  /** For the state: what has been reached, null if nothing. */
  get value_ms(): number | null {
    return this.#max_ms === Number.NEGATIVE_INFINITY ? null : this.reached_ms;
  }

  get time(): InputTime {
    const { value_ms } = this;
    if (this.#idle_until_ms !== undefined) return { type: 'idle', value_ms, until_ms: this.#idle_until_ms };
    return value_ms === null ? UNKNOWN_TIME : { type: 'live', value_ms };
  }
}

/** The watermarks of all planned tasks upstream, as their records say. */
export class UpstreamInput {
  readonly #times: Map<TaskId, InputTime>;
  #time: InputTime | undefined;

  constructor(upstream: readonly TaskId[], restored: readonly WatermarkRecord[]) {
    this.#times = new Map(upstream.map((task) => [task, UNKNOWN_TIME]));
    for (const record of restored) this.accept(record);
  }

  /**
   * Records of tasks that are not planned are ignored: they are from before a change of the topology. What a task has
   * said stands: one that keeps no state knows nothing after a restart, until its next record. Returns what counts.
   */
  accept(record: WatermarkRecord): WatermarkRecord {
    const { task, state } = record;
    const known = this.#times.get(task);
    if (!known) return record;
    this.#time = undefined;
    const value_ms = latest(record.value_ms, known.type === 'unknown' ? null : known.value_ms);
    if (state.type === 'idle') {
      this.#times.set(task, { type: 'idle', value_ms, until_ms: state.until_ms });
    } else {
      this.#times.set(task, value_ms === null ? UNKNOWN_TIME : { type: 'live', value_ms });
    }
    return { task, value_ms, state };
  }

  get time(): InputTime {
    this.#time ??= combine(this.#times.values());
    return this.#time;
  }
}
