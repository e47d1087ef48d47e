/** A plan in the making: stages and topics by name, in the order in which they were first asked for. */
import {
  type ActorPlan,
  internalName,
  type SourcePlan,
  type StagePlan,
  type TargetPlan,
  type TopicPlan,
  type TopicPurpose,
} from '../engine/plan.ts';
import { parseDuration } from '../messages/duration.ts';
import type { Graph } from './lint.ts';
import { plannedConfig } from './plan_config.ts';
import type { KafkaTopic } from './schema.ts';
import type { StageGroup } from './stages.ts';

/** Kept for as long as it takes: what a stage has not read yet must not expire, nor what says which model is served. */
const UNLIMITED = { 'retention.ms': '-1' };

const TOPIC_CONFIG: Record<TopicPurpose, Record<string, string>> = {
  source: {},
  sink: {},
  repartition: UNLIMITED,
  changelog: { 'cleanup.policy': 'compact' },
  partitions: {},
  outcomes: UNLIMITED,
  dead_letter: UNLIMITED,
  late: UNLIMITED,
};

/** In which order topics are made: what others take their partitions from comes first. */
const PURPOSES = Object.keys(TOPIC_CONFIG);

export class PlanBuilder {
  readonly graph: Graph;
  evaluations_topic: string | undefined;
  readonly sources: SourcePlan[] = [];
  readonly #stages: StagePlan[] = [];
  readonly #topics = new Map<string, TopicPlan>();

  constructor(graph: Graph, groups: readonly StageGroup[]) {
    this.graph = graph;
    for (const { name, actors } of groups)
      this.#stages.push({
        name,
        kind: 'actors',
        inputs: [],
        actors: actors.map((actor) => ({
          name: actor.name,
          kind: actor.kind!.kind,
          config: plannedConfig(actor, graph),
          outputs: {},
        })),
      });
  }

  stages(): StagePlan[] {
    return this.#stages;
  }

  topics(): TopicPlan[] {
    return [...this.#topics.values()].toSorted(
      (a, b) => PURPOSES.indexOf(a.purpose) - PURPOSES.indexOf(b.purpose),
    );
  }

  /** The stage that runs the actor. */
  stageOf(actor: string): StagePlan {
    return this.#stages.find((stage) => stage.actors.some(({ name }) => name === actor))!;
  }

  actor(name: string): ActorPlan {
    return this.stageOf(name).actors.find((actor) => actor.name === name)!;
  }

  /** `before`: the stage that it feeds. */
  insertStage(stage: StagePlan, before: StagePlan): void {
    this.#stages.splice(this.#stages.indexOf(before), 0, stage);
  }

  prependStage(stage: StagePlan): void {
    this.#stages.unshift(stage);
  }

  appendStage(stage: StagePlan): void {
    this.#stages.push(stage);
  }

  addTopic(
    name: string,
    purpose: TopicPurpose,
    partitions: TopicPlan['partitions'],
    config: Record<string, string> = {},
  ): void {
    const known = this.#topics.get(name);
    this.#topics.set(name, {
      ...(known ?? { name, purpose, partitions }),
      config: { ...(known?.config ?? TOPIC_CONFIG[purpose]), ...config },
    });
  }

  addTarget(actor: string, output: string, target: TargetPlan): void {
    const { outputs } = this.actor(actor);
    outputs[output] ??= [];
    outputs[output].push(target);
  }

  /** Where what another stage sends to an actor's input stands. */
  inputTopic(actor: string, input: string): string {
    const stage = this.stageOf(actor).name;
    return internalName(this.graph.settings, stage, stage === actor ? input : `${actor}.${input}`);
  }
}

/** A sink of rollouts says what is served, for as long as it is served. */
export function sinkConfig(message: string): Record<string, string> {
  return message === 'rollout' ? UNLIMITED : {};
}

/** What the file says of a topic of the user's own. */
export function saidConfig({ retention, cleanup }: KafkaTopic): Record<string, string> {
  const config: Record<string, string> = {};
  if (retention !== undefined)
    config['retention.ms'] = retention === 'forever' ? '-1' : String(parseDuration(retention));
  if (cleanup !== undefined) config['cleanup.policy'] = cleanup;
  return config;
}
