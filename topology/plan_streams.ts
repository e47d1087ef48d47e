/** Turns each edge of the graph into what carries it: a call within a stage, or a topic between two. */
import type { MessageType } from '../actors/actor.ts';
import { ACTOR_KINDS } from '../actors/catalogue.ts';
import {
  type InputPlan,
  internalName,
  type StagePlan,
  type TimePlan,
  type TopicPlan,
} from '../engine/plan.ts';
import { parseDuration } from '../messages/duration.ts';
import type { DraftSource } from './draft.ts';
import { isReadDirectly } from './keyed.ts';
import type { Edge } from './link.ts';
import { type PlanBuilder, saidConfig } from './plan_builder.ts';
import { idleMs, rekeyConfig } from './plan_config.ts';
import { bringIn } from './plan_connectors.ts';
import { connectTraining } from './plan_training.ts';
import { isBackEdge } from './stages.ts';

export function connectSources(builder: PlanBuilder): void {
  const { graph } = builder;
  for (const source of graph.sources) {
    const edge = graph.edges.find(({ from, output }) => from === source.name && output === null);
    const { kafka } = source.value;
    const is_sunk = graph.sink_edges.some(({ from, output }) => from === source.name && output === null);
    // A source that nobody reads is no topic that anybody has to make.
    if (!edge && !is_sunk && !source.connector) continue;
    const count = kafka.partitions ?? graph.settings.partitions;
    builder.addTopic(kafka.topic, 'source', { count }, saidConfig(kafka));
    bringIn(builder, source);
    if (!edge) continue;
    const reader = graph.actors.find(({ name }) => name === edge.to)!;
    if (isReadDirectly(source, reader)) addInput(builder, edge, directInput(builder, source, edge));
    else connectRekeyed(builder, source, edge);
  }
}

function directInput(builder: PlanBuilder, source: DraftSource, edge: Edge): InputPlan {
  const { kafka, key: by, partitioner } = source.value;
  const keyed = by && partitioner ? { by, partitioner } : null;
  return {
    topic: kafka.topic,
    actor: edge.to,
    input: edge.input,
    codec: { type: 'source', source: source.name, rekeyed: false, keyed },
    time: eventTime(builder, source, edge),
  };
}

function eventTime({ graph }: PlanBuilder, { value }: DraftSource, edge: Edge): TimePlan {
  const reader = graph.actors.find(({ name }) => name === edge.to)!;
  return {
    type: 'event_time',
    disorder_ms: parseDuration(value.disorder),
    idle_ms: idleMs(reader, graph),
    clock: value.clock,
  };
}

/** What the source's topic took, however large, must pass: 100 MB is the most that Kafka takes in one request. */
const REKEYED = { 'max.message.bytes': String(100 * 1024 * 1024) };

/** A stage of its own re-keys the source, and the reader's stage gets the internal topic behind it. */
function connectRekeyed(builder: PlanBuilder, source: DraftSource, edge: Edge): void {
  const { graph } = builder;
  const actor = `${source.name}.rekey`;
  const topic = internalName(graph.settings, source.name, 'rekeyed');
  const stage: StagePlan = {
    name: source.name,
    kind: 'actors',
    inputs: [{ ...directInput(builder, source, edge), actor, input: 'records' }],
    actors: [
      {
        name: actor,
        kind: 'rekey',
        config: rekeyConfig(builder.actor(edge.to).config as Record<string, unknown>),
        outputs: { records: [{ to: 'topic', topic, internal: true, watermarks: true }] },
      },
    ],
  };
  builder.insertStage(stage, builder.stageOf(edge.to));
  builder.addTopic(topic, 'repartition', rekeyedPartitions(builder, edge), REKEYED);
  addInput(builder, edge, {
    topic,
    actor: edge.to,
    input: edge.input,
    codec: { type: 'source', source: source.name, rekeyed: true, keyed: null },
    time: {
      type: 'watermark_records',
      upstream: [{ stage: stage.name, partitions_of: source.value.kafka.topic }],
    },
  });
}

/** All inputs of a stage have the same number of partitions; a source that is read directly decides. */
function rekeyedPartitions({ graph }: PlanBuilder, { to }: Edge): TopicPlan['partitions'] {
  const direct = graph.sources.find(
    ({ name, value }) =>
      value.key !== undefined && graph.edges.some((edge) => edge.from === name && edge.to === to),
  );
  return direct ? { like: direct.value.kafka.topic } : { count: graph.settings.partitions };
}

function addInput(builder: PlanBuilder, edge: Edge, input: InputPlan): void {
  builder.stageOf(edge.to).inputs.push(input);
}

export function connectActors(builder: PlanBuilder): void {
  const order = (edge: Edge) => builder.stages().indexOf(builder.stageOf(edge.to));
  // A stage's inputs are complete before anything downstream asks what it reads.
  for (const edge of builder.graph.edges.toSorted((a, b) => order(a) - order(b))) {
    if (edge.output === null || isBackEdge(edge)) continue;
    const local_half = localHalf(edge.to, builder);
    if (edge.message === 'training_job') connectTraining(builder, edge);
    else if (local_half !== undefined) connectLocalHalf(builder, edge, local_half);
    else if (builder.stageOf(edge.from) === builder.stageOf(edge.to))
      builder.addTarget(edge.from, edge.output, { to: 'actor', actor: edge.to, input: edge.input });
    else connectByTopic(builder, edge.from, edge.output, edge, edge.message);
  }
}

function localHalf(name: string, { graph }: PlanBuilder): string | undefined {
  return graph.actors.find((actor) => actor.name === name)?.kind?.local_half;
}

/**
 * The first half has the same configuration as the second, and runs in front of it: between the two is a topic, unless
 * both are in one stage.
 */
function connectLocalHalf(builder: PlanBuilder, edge: Edge, kind: string): void {
  const half = `${edge.to}.partial`;
  const { inputs, outputs } = ACTOR_KINDS.get(kind)!;
  const stage = builder.stageOf(edge.from);
  const [output, { message }] = Object.entries(outputs)[0]!;
  if (!stage.actors.some(({ name }) => name === half)) {
    const { config } = builder.actor(edge.to);
    const whole = stage.actors.findIndex(({ name }) => name === edge.to);
    const place = whole < 0 ? stage.actors.length : whole;
    stage.actors.splice(place, 0, { name: half, kind, config, outputs: {} });
    if (whole < 0) connectByTopic(builder, half, output, edge, message, stage);
    else builder.addTarget(half, output, { to: 'actor', actor: edge.to, input: edge.input });
  }
  builder.addTarget(edge.from, edge.output!, { to: 'actor', actor: half, input: Object.keys(inputs)[0]! });
}

/** Streams that carry event time are followed by the watermarks of their writers. */
const TIMED: readonly MessageType[] = ['source_record', 'event', 'window_delta'];

function connectByTopic(
  builder: PlanBuilder,
  from: string,
  output: string,
  { to, input }: Edge,
  message: MessageType,
  from_stage = builder.stageOf(from),
): void {
  const topic = builder.inputTopic(to, input);
  const watermarks = TIMED.includes(message);
  builder.addTopic(topic, 'repartition', { count: builder.graph.settings.partitions });
  const { outputs } = from_stage.actors.find(({ name }) => name === from)!;
  outputs[output] = [...(outputs[output] ?? []), { to: 'topic', topic, internal: true, watermarks }];
  const reader = builder.stageOf(to);
  const known = reader.inputs.find((one) => one.topic === topic);
  const upstream = { stage: from_stage.name, partitions_of: from_stage.inputs[0]!.topic };
  if (known?.time.type === 'watermark_records') known.time.upstream.push(upstream);
  else if (!known)
    reader.inputs.push({
      topic,
      actor: to,
      input,
      codec: { type: 'internal' },
      time: watermarks ? { type: 'watermark_records', upstream: [upstream] } : { type: 'none' },
    });
}
