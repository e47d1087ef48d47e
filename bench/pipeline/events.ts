/**
 * Predictions, and feedback on half of them within minutes; a function of a seed, in the order of event time. Some
 * deployments do badly on some of their inputs, so that every severity occurs.
 */
import TinyQueue from 'tinyqueue';
import { randomStream } from '../../training/random.ts';

export interface PipelineOptions {
  seed: number;
  /** How many predictions. */
  predictions: number;
  /** How many deployments there are; each has three model versions. */
  keys: number;
  /** Event time of the first prediction, and how much of it all of them take. */
  from_ms: number;
  span_ms: number;
}

export interface MadePrediction {
  kind: 'prediction';
  prediction_id: string;
  time_ms: number;
  deployment_id: string;
  model_version: string;
  mean: number;
  std: number;
  json: string;
}

export interface MadeFeedback {
  kind: 'feedback';
  about: MadePrediction;
  time_ms: number;
  rating: number | null;
  /** Seconds. */
  time_to_action: number;
  json: string;
}

/** The wait of the join is 5 minutes; all feedback comes within it. */
const LONGEST_DELAY_MS = 290_000;
const MEAN_DELAY_MS = 60_000;
const SHARE_ANSWERED = 0.5;
const SHARE_RATED = 0.7;
const VERSIONS = ['v1', 'v2', 'v3'];
/** Means of the inputs: on the first, one deployment in `BAD_EVERY` does badly. */
const MEANS = [0.5, 1.5, -2.5, 7.25, 12.75, -20.5];
const BAD_EVERY = 5;
const TEXT =
  'please sort this mail about an invoice that was sent twice and tell me which of both I have to pay. ';

export class PipelineStream {
  readonly #options: PipelineOptions;
  readonly #random: () => number;
  readonly #feedback = new TinyQueue<MadeFeedback>([], (a, b) => a.time_ms - b.time_ms);
  #index = 0;
  #next: MadePrediction | undefined;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#random = randomStream('bench pipeline', options.seed);
    this.#next = this.#prediction();
  }

  /** Undefined after the last. */
  next(): MadePrediction | MadeFeedback | undefined {
    const prediction = this.#next;
    const feedback = this.#feedback.peek();
    if (feedback && (!prediction || feedback.time_ms < prediction.time_ms)) return this.#feedback.pop();
    if (!prediction) return undefined;
    if (this.#random() < SHARE_ANSWERED) this.#feedback.push(this.#feedbackOn(prediction));
    this.#next = this.#prediction();
    return prediction;
  }

  #prediction(): MadePrediction | undefined {
    const { predictions, from_ms, span_ms, keys } = this.#options;
    if (this.#index === predictions) return undefined;
    const time_ms = from_ms + Math.floor((this.#index++ / predictions) * span_ms);
    const prediction_id = `p-${this.#hex()}-${this.#hex()}`;
    const deployment_id = `d-${String(this.#pick(keys)).padStart(4, '0')}`;
    const model_version = VERSIONS[this.#pick(VERSIONS.length)]!;
    const mean = MEANS[this.#pick(MEANS.length)]!;
    const std = 1 + this.#pick(2);
    const from = this.#pick(20);
    const json = `{"prediction_id":"${prediction_id}","timestamp":${time_ms},"model_version":"${model_version}","deployment_id":"${deployment_id}","input_shape":[1,64],"input_stats":{"mean":${mean},"std":${std},"min":-31.5,"max":40.25},"latency_ms":${1 + this.#pick(200)},"model_params":{"temperature":0.7},"input":"${TEXT.slice(from, from + 70)}"}`;
    return { kind: 'prediction', prediction_id, time_ms, deployment_id, model_version, mean, std, json };
  }

  #feedbackOn(about: MadePrediction): MadeFeedback {
    const delay_ms = Math.min(
      1 + Math.floor(-Math.log(1 - this.#random()) * MEAN_DELAY_MS),
      LONGEST_DELAY_MS,
    );
    const time_ms = about.time_ms + delay_ms;
    const is_bad = this.#random() < this.#badness(about);
    const rating = this.#random() < SHARE_RATED ? this.#pick(2) + (is_bad ? 1 : 4) : null;
    const time_to_action = (is_bad ? 20 : 2) + this.#pick(20_000) / 1000;
    const rated = rating === null ? '' : `"rating":${rating},`;
    const from = this.#pick(20);
    const json = `{"prediction_id":"${about.prediction_id}","session_id":"s-${this.#hex()}","user_id":"u-${this.#pick(100_000)}","feedback_type":"${rating === null ? 'implicit' : 'explicit'}","timestamp":${time_ms},"user_action":"click","time_to_action":${time_to_action},${rated}"comment":"${TEXT.slice(from, from + 75)}"}`;
    return { kind: 'feedback', about, time_ms, rating, time_to_action, json };
  }

  #badness({ deployment_id, mean }: MadePrediction): number {
    const deployment = Number(deployment_id.slice(2));
    if (deployment % BAD_EVERY !== 0) return 0.05;
    return mean === MEANS[0] || deployment % (2 * BAD_EVERY) === 0 ? 0.9 : 0.15;
  }

  #pick(below: number): number {
    return Math.floor(this.#random() * below);
  }

  #hex(): string {
    return Math.floor(this.#random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  }
}
