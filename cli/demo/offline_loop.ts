/**
 * The loop of the demo without Kafka: the same rule, data sets, trainer and gate on the same mails in one thread. For
 * measuring what a change of thresholds or training does, and for putting other candidates before the gate.
 */
import { parseComparator } from '../../actors/comparator.ts';
import { type Counted, judgeByThreshold, type ThresholdConfig } from '../../actors/threshold.ts';
import { type GateConfig, type Judgement, judge } from '../../deploy/verdict.ts';
import type { Feedback } from '../../messages/feedback.ts';
import type { Outcome } from '../../messages/outcome.ts';
import { patternKey } from '../../messages/pattern_key.ts';
import type { TrainingConfig } from '../../training/config.ts';
import { baseExamples, buildDataset, type Dataset } from '../../training/dataset.ts';
import { compare } from '../../training/evaluation.ts';
import type { Labelled } from '../../training/ports.ts';
import type { Example, Model, Trainer } from '../../training/trainer.ts';
import { DEPLOYMENT_ID, modelInput } from './application.ts';
import { mailFeatures, statsOf } from './features.ts';
import type { Mail } from './mails.ts';
import type { Mailbox, Received } from './replay.ts';

export interface OfflineConfig {
  window_ms: number;
  cooldown_ms: number;
  threshold: ThresholdConfig;
  when: { error_rate: string; total_events: string; severity: readonly string[] };
  training: TrainingConfig;
  gate: GateConfig;
}

/** One retraining, and what it takes to put other candidates before the same gate. */
export interface Retraining {
  window_end_ms: number;
  dataset: Dataset;
  champion: Model;
  candidate: Uint8Array;
  judgement: Judgement;
}

/** What the loop keeps of one mail that it classified. */
interface Classified {
  outcome: Outcome;
  version: number;
}

export class OfflineLoop implements Mailbox {
  readonly retrainings: Retraining[] = [];
  fired = 0;
  windows = 0;
  readonly #trainer: Trainer;
  readonly #config: OfflineConfig;
  readonly #base: readonly Labelled[];
  readonly #seed: number;
  readonly #classified = new Map<string, Classified>();
  #feedback: Feedback[] = [];
  #first: Model | undefined;
  #live: Model | undefined;
  #version = 0;

  constructor(parts: { trainer: Trainer; config: OfflineConfig; base: readonly Mail[]; seed: number }) {
    this.#trainer = parts.trainer;
    this.#config = parts.config;
    this.#seed = parts.seed;
    this.#base = parts.base.map((mail) => ({
      id: mail.id,
      time_ms: mail.time_ms,
      input: modelInput(mail),
      answer: mail.label,
    }));
  }

  /** Trains the first model; to be called first. */
  async start(): Promise<void> {
    const examples = baseExamples(this.#base, this.#config.training.holdout.older_share);
    this.#first = await this.#trainer.load(await this.train(examples, this.#seed));
    this.#live = this.#first;
  }

  train(examples: readonly Example[], seed: number): Promise<Uint8Array> {
    const [one, other] = this.#config.training.answers ?? [];
    return this.#trainer.train(examples, {
      seed,
      ...(one === undefined ? {} : { answers: [one, other] as const }),
      options: this.#config.training.options,
    });
  }

  /** The gate's judgement on any candidate. */
  async judge(
    candidate: Model,
    { champion, dataset }: Pick<Retraining, 'champion' | 'dataset'>,
  ): Promise<Judgement> {
    const recent = await compare(candidate, champion, dataset.recent);
    const older = await compare(candidate, champion, dataset.older);
    return judge(
      { candidate: 'candidate', champion: 'champion', failure: null, recent, older },
      this.#config.gate,
    );
  }

  async receive(mail: Mail): Promise<Received> {
    const input = modelInput(mail);
    const { output } = await this.#live!.predict(input);
    const frozen = await this.#first!.predict(input);
    const prediction = {
      timestamp: mail.time_ms,
      model_version: String(this.#version),
      deployment_id: DEPLOYMENT_ID,
      input,
      output,
      input_stats: statsOf(mailFeatures(mail)),
    };
    const times = { prediction_time_ms: mail.time_ms, time_ms: mail.time_ms };
    const outcome = { prediction_id: mail.id, ...times, prediction, verdict: null, previous: null };
    this.#classified.set(mail.id, { outcome, version: this.#version });
    return { prediction_id: mail.id, output, frozen_output: frozen.output };
  }

  feedback(feedback: Feedback): void {
    const { outcome } = this.#classified.get(feedback.prediction_id)!;
    const bad = isLowRating(feedback) || isSlow(feedback);
    const time_ms = feedback.timestamp as number;
    outcome.verdict = { score: bad ? -1 : 1, bad, by: feedback.feedback_type, time_ms };
    outcome.time_ms = time_ms;
    this.#feedback.push(feedback);
  }

  /** The window that ends then: the rule, the trigger, and what follows from them. */
  async settle(window_end_ms: number): Promise<void> {
    const feedback = this.#feedback;
    this.#feedback = [];
    const versions = Map.groupBy(
      feedback,
      ({ prediction_id }) => this.#classified.get(prediction_id)!.version,
    );
    for (const [version, events] of versions) {
      const counts = this.#count(events);
      const { fires, severity, patterns } = judgeByThreshold(counts, this.#config.threshold);
      this.windows += 1;
      if (fires) this.fired += 1;
      if (!fires || version !== this.#version || !this.#isCalledFor(counts, severity, window_end_ms))
        continue;
      await this.#retrain(Object.keys(patterns), window_end_ms);
    }
  }

  #count(events: readonly Feedback[]): Counted {
    const low_ratings = events.filter(isLowRating).length;
    const slow_actions = events.filter(isSlow).length;
    const pattern_counts: Record<string, number> = {};
    for (const { prediction_id } of events) {
      const key = patternKey(this.#classified.get(prediction_id)!.outcome.prediction.input_stats!);
      pattern_counts[key] = (pattern_counts[key] ?? 0) + 1;
    }
    const error_rate = (low_ratings + slow_actions) / events.length;
    return { total_events: events.length, low_ratings, slow_actions, error_rate, pattern_counts };
  }

  #isCalledFor({ error_rate, total_events }: Counted, severity: string, window_end_ms: number): boolean {
    const { when, cooldown_ms } = this.#config;
    const last_ms = this.retrainings.at(-1)?.window_end_ms ?? Number.NEGATIVE_INFINITY;
    return (
      when.severity.includes(severity) &&
      parseComparator(when.error_rate)(error_rate) &&
      parseComparator(when.total_events)(total_events) &&
      window_end_ms - last_ms >= cooldown_ms
    );
  }

  async #retrain(patterns: string[], window_end_ms: number): Promise<void> {
    const seed = this.#seed * 1000 + this.retrainings.length;
    const outcomes = [...this.#classified.values()].map(({ outcome }) => outcome);
    const dataset = buildDataset(this.#base, outcomes, { patterns, seed }, this.#config.training);
    const candidate = await this.train(dataset.examples, seed);
    const model = await this.#trainer.load(candidate);
    const champion = this.#live!;
    const judgement = await this.judge(model, { champion, dataset });
    this.retrainings.push({ window_end_ms, dataset, champion, candidate, judgement });
    if (judgement.kind === 'reject') return;
    this.#live = model;
    this.#version += 1;
  }
}

/** As the published rule has it. */
function isLowRating({ rating }: Feedback): boolean {
  return (rating ?? 5) < 3;
}

function isSlow({ time_to_action }: Feedback): boolean {
  return (time_to_action ?? 0) > 30;
}
