/**
 * The events of the bench: feedback as an application would send it, a function of a seed. Event time advances evenly;
 * within `DISORDER_MS` an event may come after later ones. Padded with text to about `event_bytes`.
 */
import { randomStream } from '../../training/random.ts';

export interface EventOptions {
  seed: number;
  events: number;
  /** How many deployments there are. */
  keys: number;
  event_bytes: number;
  /** Event time of the first, and how much of it all of them take. */
  from_ms: number;
  span_ms: number;
}

/** What an event says, and the record that says it. */
export interface MadeEvent {
  deployment_id: string;
  time_ms: number;
  rating: number | null;
  /** Seconds. */
  time_to_action: number;
  json: string;
}

export const DISORDER_MS = 2_000;
/** Logarithm of seconds: a median of 5 s; some 4 % take longer than 30 s. */
const TIME_TO_ACTION = { mean: 1.6, deviation: 1 };
const SHARE_RATED = 0.7;
const ACTIONS = ['click', 'search', 'copy', 'scroll', 'logout'];
const VERSIONS = ['v1', 'v2', 'v3'];
/** What people write, with what makes JSON less than trivial: quotes, backslashes, letters beyond ASCII. */
const PHRASES = [
  'the answer was right and came quickly',
  'not what I asked for, I had to search again',
  'it put \\"invoice\\" where the café should be',
  'good enough, thanks',
  'second time this week that it mixes up the dates',
  'works better than last month',
];

export class EventStream {
  readonly #options: EventOptions;
  readonly #random: () => number;
  readonly #padding: string;
  #index = 0;

  constructor(options: EventOptions) {
    this.#options = options;
    this.#random = randomStream('bench', options.seed);
    this.#padding = paddingOf(options.event_bytes, this.#random);
  }

  get left(): number {
    return this.#options.events - this.#index;
  }

  next(): MadeEvent {
    const { keys, from_ms, span_ms, events } = this.#options;
    const on_time_ms = from_ms + Math.floor((this.#index++ / events) * span_ms);
    const time_ms = Math.max(from_ms, on_time_ms - this.#pick(DISORDER_MS));
    return this.#eventOf(deploymentId(this.#pick(keys)), time_ms);
  }

  #eventOf(deployment_id: string, time_ms: number): MadeEvent {
    const rating = this.#random() < SHARE_RATED ? 1 + this.#pick(5) : null;
    const seconds = Math.exp(TIME_TO_ACTION.mean + TIME_TO_ACTION.deviation * this.#normal());
    const time_to_action = Math.round(seconds * 1000) / 1000;
    const head = `{"prediction_id":"p-${this.#hex()}-${this.#hex()}","session_id":"s-${this.#hex()}","user_id":"u-${this.#pick(100_000)}",`;
    const said = `"feedback_type":"${rating === null ? 'implicit' : 'explicit'}","timestamp":${time_ms},"user_action":"${ACTIONS[this.#pick(ACTIONS.length)]}","time_to_action":${time_to_action},`;
    const rated = rating === null ? '' : `"rating":${rating},`;
    const tail = `,"deployment_id":"${deployment_id}","model_version":"${VERSIONS[this.#pick(VERSIONS.length)]}"}`;
    const room = this.#options.event_bytes - head.length - said.length - rated.length - tail.length;
    const json = `${head}${said}${rated}"comment":"${this.#comment(room - '"comment":""'.length)}"${tail}`;
    return { deployment_id, time_ms, rating, time_to_action, json };
  }

  /** From somewhere in the padding; an escape is never cut. */
  #comment(length: number): string {
    if (length <= 0) return '';
    const from = this.#pick(this.#padding.length - length - 2);
    const text = this.#padding.slice(from, from + length);
    return text.replace(/^"/, '').replace(/\\$/, '');
  }

  #pick(below: number): number {
    return Math.floor(this.#random() * below);
  }

  #hex(): string {
    return Math.floor(this.#random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  }

  /** Box and Muller, 1958. */
  #normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.#random())) * Math.cos(2 * Math.PI * this.#random());
  }
}

export function deploymentId(index: number): string {
  return `d-${String(index).padStart(4, '0')}`;
}

function paddingOf(event_bytes: number, random: () => number): string {
  let text = '';
  while (text.length < 2 * event_bytes + 10_000)
    text += `${PHRASES[Math.floor(random() * PHRASES.length)]}. `;
  return text;
}
