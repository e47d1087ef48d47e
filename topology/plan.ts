/** From a topology without mistakes to what the engine runs: stages, topics between them, clocks. */
import { internalName, PLAN_VERSION, type Plan, type StagePlan, type StatePlan } from '../engine/plan.ts';
import { parseMegabytes } from '../messages/byte_size.ts';
import { parseDuration } from '../messages/duration.ts';
import type { Graph } from './lint.ts';
import { PlanBuilder } from './plan_builder.ts';
import { connectSinks } from './plan_connectors.ts';
import { connectActors, connectSources } from './plan_streams.ts';
import { connectOutcomes, trainingPlan } from './plan_training.ts';
import { groupStages, keepsState } from './stages.ts';
import { deadLetterTopic, lateTopic } from './topic_names.ts';

/** The same file gives the same plan, down to the order of its parts; a trainer's path is made absolute. */
export function makePlan(graph: Graph): Plan {
  const builder = new PlanBuilder(graph, groupStages(graph));
  connectSources(builder);
  connectActors(builder);
  const outcomes_topic = connectOutcomes(builder);
  connectSinks(builder);
  addRecords(builder);
  const { settings } = graph;
  builder.addTopic(deadLetterTopic(settings), 'dead_letter', { count: settings.partitions });
  builder.addTopic(lateTopic(settings), 'late', { count: settings.partitions });
  const plan: Plan = {
    version: PLAN_VERSION,
    namespace: settings.namespace,
    topology: settings.topology,
    group_id: `${settings.namespace}.${settings.topology}`,
    workers: settings.workers,
    commit_interval_ms: parseDuration(settings.commit_interval),
    guarantee: settings.guarantee,
    state: statePlan(settings.state),
    watchdog_ms: parseDuration(settings.watchdog),
    ...(settings.worker_heap === undefined ? {} : { worker_heap_mb: parseMegabytes(settings.worker_heap) }),
    ...(settings.replication === undefined ? {} : { replication: settings.replication }),
    topics: builder.topics(),
    stages: builder.stages(),
    ...(builder.sources.length === 0 ? {} : { sources: builder.sources }),
    dead_letter_topic: deadLetterTopic(settings),
    late_topic: lateTopic(settings),
  };
  return outcomes_topic === undefined ? plan : { ...plan, training: trainingPlan(builder, outcomes_topic) };
}

function statePlan({ store, path }: Graph['settings']['state']): StatePlan {
  return store === 'memory' ? { store } : { store, path };
}

/** What is kept of a stage: its state, and with it how many partitions it began with. */
function addRecords(builder: PlanBuilder): void {
  for (const stage of builder.stages()) {
    const like = firstTopic(stage);
    if (stage.kind === 'sink' || keepsState(stage.actors.map(({ kind }) => kind))) {
      stage.changelog = internalName(builder.graph.settings, stage.name, 'changelog');
      builder.addTopic(stage.changelog, 'changelog', { like });
    } else {
      stage.partitions_topic = internalName(builder.graph.settings, stage.name, 'partitions');
      builder.addTopic(stage.partitions_topic, 'partitions', { like });
    }
  }
}

function firstTopic(stage: StagePlan): string {
  return stage.inputs[0]!.topic;
}
