/**
 * An open-loop load: what is sent when, and how event time goes with it. Every tick sends one batch to each partition,
 * whether or not the one before has been answered, so a slow broker or contender does not slow the load down.
 */
import { WINDOW_MS } from '../job.ts';

export interface Pace {
  topic: string;
  partitions: number;
  /** Events per second, over all partitions. */
  rate: number;
  seconds: number;
  keys: number;
  seed: number;
  event_bytes: number;
  /** Event time of the first tick, and how many times faster than the clock it goes. */
  from_ms: number;
  speed: number;
}

/** 0.73 s for a window of 5 minutes: it must not beat with the commit interval of a second. */
export const LATENCY_SPEED = 411;
/** What the contenders allow event times to go backwards by, and so how long their windows wait. */
const DISORDER_MS = 5_000;
/** Larger batches would pass the broker's limit of a megabyte. */
const BATCH_MAX_BYTES = 900_000;
const LONGEST_TICK_MS = 10;

export function tickMs({ rate, partitions, event_bytes }: Pace): number {
  const most_ms = (BATCH_MAX_BYTES / (event_bytes + 30) / (rate / partitions)) * 1_000;
  return Math.max(1, Math.min(LONGEST_TICK_MS, Math.floor(most_ms)));
}

/** The same for every tick and partition. */
export function eventsPerBatch(pace: Pace): number {
  return Math.max(1, Math.round((pace.rate * tickMs(pace)) / 1_000 / pace.partitions));
}

export function ticks(pace: Pace): number {
  return Math.floor((pace.seconds * 1_000) / tickMs(pace));
}

/** Event time of a tick. No event of it is later; some are earlier. */
export function tickTime(pace: Pace, tick: number): number {
  return pace.from_ms + Math.floor(tick * tickMs(pace) * pace.speed);
}

/** The tick whose records let the watermark pass the end of the window. */
export function closingTick(pace: Pace, window_start_ms: number): number {
  const needed_ms = window_start_ms + WINDOW_MS + DISORDER_MS - pace.from_ms;
  return Math.ceil(needed_ms / (tickMs(pace) * pace.speed));
}

/** How much earlier than its tick an event may be. */
const EARLIER_MS = 2_000;

/** Of the event at `index` in a batch of `size`. The last has the time of the tick: it is what moves the watermark. */
export function earlierMs(index: number, size: number): number {
  return ((size - 1 - index) * 37) % EARLIER_MS;
}

/** Events of all partitions whose time is in the window. */
export function eventsInWindow(pace: Pace, window_start_ms: number): number {
  const size = eventsPerBatch(pace);
  const per_ms = tickMs(pace) * pace.speed;
  const first = Math.max(0, Math.floor((window_start_ms - pace.from_ms) / per_ms) - 1);
  let count = 0;
  for (let tick = first; tick < ticks(pace); tick++) {
    const after_ms = tickTime(pace, tick) - window_start_ms;
    if (after_ms >= WINDOW_MS + EARLIER_MS) break;
    for (let index = 0; index < size; index++) {
      const within_ms = after_ms - earlierMs(index, size);
      if (within_ms >= 0 && within_ms < WINDOW_MS) count += 1;
    }
  }
  return count * pace.partitions;
}
