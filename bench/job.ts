/** What the contenders of a race all do: which events, what has to come out, and how that is compared. */

/** Of one window. `count`: the events that it stands for. */
export interface Counted {
  count: number;
}

/** By a key that begins with the window's start in milliseconds and `|`. */
export type Answers<Answer extends Counted> = Map<string, Answer>;

export interface Job<Answer extends Counted> {
  /** A record of the results, as any of the contenders writes them. A later one replaces an earlier one of its key. */
  parse(json: string): { key: string; answer: Answer };
  /** One sentence for each difference. */
  differences(expected: Answer, said: Answer): string[];
}

/** Events that stand in Kafka, and what has to come out of them. */
export interface Load<Answer extends Counted> {
  job: Job<Answer>;
  /** Variables that tell the contenders where the events are. */
  topics: Record<string, string>;
  partitions: number;
  /** Records to read, and how many of them the windows count. */
  events: number;
  counted: number;
  answers: Answers<Answer>;
  /** Windows that begin from here on are not compared. */
  end_ms: number;
}

export const WINDOW_MS = 300_000;

export function windowStart(time_ms: number): number {
  return time_ms - (time_ms % WINDOW_MS);
}

export function windowStartOf(key: string): number {
  return Number(key.slice(0, key.indexOf('|')));
}

/** For floats that were summed in another order. NaN and undefined are close to nothing. */
export function isClose(said: number, expected: number, tolerance: number): boolean {
  return Math.abs(said - expected) <= tolerance * Math.max(Math.abs(expected), Number.MIN_VALUE);
}
