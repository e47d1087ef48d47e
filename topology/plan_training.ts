/** The part of a plan that closes the loop: outcomes to train on, jobs, evaluations, rollouts. */
import { dirname, resolve } from 'node:path';
import { ACTOR_KINDS } from '../actors/catalogue.ts';
import { type InputPlan, internalName, type TrainingPlan } from '../engine/plan.ts';
import { TrainingConfig } from '../training/config.ts';
import { isTrainerPath } from './check_retraining.ts';
import type { Edge } from './link.ts';
import type { PlanBuilder } from './plan_builder.ts';
import { feedsRetraining } from './plan_config.ts';
import { TRAINING_STAGE } from './stages.ts';

/** Jobs go to the training stage, its evaluations come back, and what is decided is told to who asks for jobs. */
export function connectTraining(builder: PlanBuilder, { from, output, to, input }: Edge): void {
  const { settings } = builder.graph;
  const jobs = internalName(settings, TRAINING_STAGE, 'jobs');
  const evaluations = builder.inputTopic(to, input);
  for (const topic of [jobs, evaluations])
    builder.addTopic(topic, 'repartition', { count: settings.partitions });
  builder.addTarget(from, output!, { to: 'topic', topic: jobs, internal: true, watermarks: false });
  builder.appendStage({
    name: TRAINING_STAGE,
    kind: 'training',
    inputs: [untimed(jobs, TRAINING_STAGE, 'jobs')],
    actors: [],
  });
  builder.stageOf(to).inputs.push(untimed(evaluations, to, input));
  builder.evaluations_topic = evaluations;
  const [told] = Object.entries(ACTOR_KINDS.get('retraining')!.inputs).find(
    ([, message]) => message === 'rollout',
  )!;
  const [decided] = Object.keys(ACTOR_KINDS.get('rollout')!.outputs);
  builder.addTarget(to, decided!, { to: 'actor', actor: from, input: told });
}

/** Nothing here carries event time: what is trained on is bounded by the job's window. */
function untimed(topic: string, actor: string, input: string): InputPlan {
  return { topic, actor, input, codec: { type: 'internal' }, time: { type: 'none' } };
}

/** Returns the topic on whose outcomes retraining trains. */
export function connectOutcomes(builder: PlanBuilder): string | undefined {
  const { graph } = builder;
  const capture = graph.actors.find((actor) => feedsRetraining(actor, graph));
  if (!capture) return undefined;
  const topic = internalName(graph.settings, builder.stageOf(capture.name).name, 'outcomes');
  builder.addTopic(topic, 'outcomes', { count: graph.settings.partitions });
  builder.addTarget(capture.name, 'outcomes', { to: 'topic', topic, internal: true, watermarks: false });
  return topic;
}

export function trainingPlan(
  { graph, evaluations_topic }: PlanBuilder,
  outcomes_topic: string,
): TrainingPlan {
  const { config } = graph.actors.find(({ kind }) => kind?.kind === 'retraining')!;
  const settings = Object.keys(TrainingConfig.properties).filter((name) => name in config);
  const trainer = String(config.trainer);
  return {
    stage: TRAINING_STAGE,
    outcomes_topic,
    trainer: isTrainerPath(trainer) ? resolve(dirname(graph.file), trainer) : trainer,
    config: Object.fromEntries(settings.map((name) => [name, config[name]])),
    evaluations_topic: evaluations_topic!,
  };
}
