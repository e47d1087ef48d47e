/** A plan as a Mermaid flowchart: topics, stages with their actors, and what flows between them. */
import type { Plan, SourcePlan, StagePlan, TargetPlan, TopicPurpose } from '../engine/plan.ts';

const UNCONNECTED = new Set<TopicPurpose>(['changelog', 'partitions', 'dead_letter', 'late']);

export function mermaidOf(plan: Plan): string {
  const lines = ['flowchart LR'];
  for (const { name, purpose } of plan.topics)
    if (!UNCONNECTED.has(purpose)) lines.push(`  ${topicId(name)}[("${name}")]:::${purpose}`);
  for (const stage of plan.stages) lines.push(...stageLines(stage, plan));
  for (const source of plan.sources ?? []) lines.push(...sourceLines(source));
  lines.push(...plan.stages.flatMap((stage) => [...inputLines(stage), ...outputLines(stage)]));
  if (plan.training) lines.push(...trainingLines(plan.training));
  lines.push('  classDef source fill:#e3f0ff,stroke:#36c', '  classDef sink fill:#e6f7e6,stroke:#393');
  return `${lines.join('\n')}\n`;
}

function stageLines({ name, actors, kind, sink }: StagePlan, plan: Plan): string[] {
  const boxes = actors.map((actor) => `    ${actorId(name, actor.name)}["${actor.name}"]`);
  if (kind === 'training')
    boxes.push(`    ${actorId(name, name)}["${plan.training?.trainer.split('/').at(-1)}"]`);
  if (sink) boxes.push(`    ${actorId(name, sink.name)}["${sink.kind} ${sink.name}"]`);
  return [`  subgraph ${id('stage', name)}["stage ${name}"]`, ...boxes, '  end'];
}

/** A rounded box is what is not errata. */
function sourceLines({ name, kind, topic }: SourcePlan): string[] {
  return [`  ${id('source', name)}(["${kind} ${name}"])`, `  ${id('source', name)} --> ${topicId(topic)}`];
}

function inputLines({ name, inputs }: StagePlan): string[] {
  return inputs.map(({ topic, actor }) => `  ${topicId(topic)} --> ${actorId(name, actor)}`);
}

function outputLines({ name, actors }: StagePlan): string[] {
  return actors.flatMap((actor) =>
    Object.entries(actor.outputs).flatMap(([output, targets]) =>
      targets.map((target) => `  ${actorId(name, actor.name)} -->|${output}| ${targetId(name, target)}`),
    ),
  );
}

function trainingLines({
  stage,
  outcomes_topic,
  evaluations_topic,
}: NonNullable<Plan['training']>): string[] {
  const trainer = actorId(stage, stage);
  return [
    `  ${topicId(outcomes_topic)} -.-> ${trainer}`,
    `  ${trainer} -->|evaluations| ${topicId(evaluations_topic)}`,
  ];
}

function targetId(stage: string, target: TargetPlan): string {
  return target.to === 'topic' ? topicId(target.topic) : actorId(stage, target.actor);
}

function actorId(stage: string, actor: string): string {
  return id('actor', stage, actor);
}

function topicId(topic: string): string {
  return id('topic', topic);
}

/** Mermaid's ids take letters, digits and underscores; what differs in names has to differ in ids. */
function id(...parts: string[]): string {
  return parts
    .map((part) => part.replace(/[^A-Za-z0-9]/g, (character) => `_${character.charCodeAt(0).toString(16)}_`))
    .join('__');
}
