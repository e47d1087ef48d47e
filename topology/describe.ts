/** A plan as text for people. */
import { SINK_KINDS, SOURCE_KINDS } from '../connectors/catalogue.ts';
import type {
  InputPlan,
  Plan,
  SinkPlan,
  SourcePlan,
  StagePlan,
  TargetPlan,
  TimePlan,
  TopicPlan,
} from '../engine/plan.ts';

export function describePlan(plan: Plan): string {
  const head = [
    `topology ${plan.topology} in namespace ${plan.namespace}`,
    `  group ${plan.group_id}, ${plan.workers} workers, commits every ${formatMs(plan.commit_interval_ms)}, ${plan.guarantee.replaceAll('_', ' ')}`,
  ];
  return [
    head,
    ...(plan.sources ?? []).map(describeSource),
    ...plan.stages.map((stage) => describeStage(stage, plan)),
    describeTopics(plan.topics),
  ]
    .map((lines) => lines.join('\n'))
    .join('\n\n')
    .concat('\n');
}

function describeSource({ name, kind, config, topic, deduplicated }: SourcePlan): string[] {
  return [
    `source ${name}, in every process`,
    `  runs   ${kind}`,
    `  writes ${topic}${deduplicated ? ' (with ids)' : ''}`,
    ...describeOrder(SOURCE_KINDS.get(kind)?.order?.(config)),
  ];
}

function describeSink({ name, kind, config }: SinkPlan): string[] {
  return [`  writes ${kind} ${name}`, ...describeOrder(SINK_KINDS.get(kind)?.order?.(config))];
}

function describeOrder(order: string | undefined): string[] {
  return order === undefined ? [] : [`  order  ${order}`];
}

function describeStage(stage: StagePlan, plan: Plan): string[] {
  const runs =
    stage.kind === 'training' && plan.training ? [`  runs   trainer ${plan.training.trainer}`] : [];
  const reads =
    stage.kind === 'training' && plan.training ? [`  reads  ${plan.training.outcomes_topic}`] : [];
  const writes =
    stage.kind === 'training' && plan.training ? [`  writes ${plan.training.evaluations_topic}`] : [];
  return [
    `stage ${stage.name}`,
    ...stage.inputs.map((input) => `  reads  ${describeInput(input)}`),
    ...reads,
    ...runs,
    ...stage.actors.map(({ name, kind }) => `  runs   ${name}${name === kind ? '' : ` (${kind})`}`),
    ...stage.actors.flatMap(({ name, outputs }) =>
      Object.entries(outputs).flatMap(([output, targets]) =>
        targets.map(
          (target) =>
            `  ${target.to === 'topic' ? 'writes' : 'passes'} ${describeTarget(`${name}.${output}`, target)}`,
        ),
      ),
    ),
    ...writes,
    ...(stage.sink ? describeSink(stage.sink) : []),
    ...(stage.changelog === undefined ? [] : [`  keeps  ${stage.changelog}`]),
  ];
}

function describeInput({ topic, offsets_topic, actor, input, codec, time }: InputPlan): string {
  const offsets = offsets_topic === undefined ? '' : `, offsets under ${offsets_topic}`;
  const source = codec.type === 'source' && !codec.rekeyed ? `source ${codec.source}, ` : '';
  const partitioner = codec.type === 'source' && codec.keyed ? `${codec.keyed.partitioner}, ` : '';
  return `${topic} → ${actor}.${input} (${source}${partitioner}${describeTime(time)}${offsets})`;
}

function describeTime(time: TimePlan): string {
  if (time.type === 'none') return 'no event time';
  if (time.type === 'watermark_records')
    return `watermarks of ${time.upstream.map(({ stage }) => stage).join(', ')}`;
  const idle = time.idle_ms === null ? 'never idle' : `idle after ${formatMs(time.idle_ms)}`;
  return `event time, disorder ${formatMs(time.disorder_ms)}, ${idle}, ${time.clock} clock`;
}

function describeTarget(from: string, target: TargetPlan): string {
  if (target.to === 'actor') return `${from} → ${target.actor}.${target.input}`;
  return `${from} → ${target.topic}${target.watermarks ? ' (with watermarks)' : ''}`;
}

function describeTopics(topics: readonly TopicPlan[]): string[] {
  const width = Math.max(...topics.map(({ name }) => name.length));
  return [
    'topics (partitions: of those that do not exist yet)',
    ...topics.map(({ name, purpose, partitions, config }) => {
      const count = 'count' in partitions ? String(partitions.count) : `as ${partitions.like}`;
      const settings = Object.entries(config).map(([key, value]) => `${key}=${value}`);
      return `  ${name.padEnd(width)}  ${[purpose, count, ...settings].join('  ')}`;
    }),
  ];
}

const UNITS: [ms: number, unit: string][] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1000, 's'],
];

function formatMs(value_ms: number): string {
  const [unit_ms, unit] = UNITS.find(([ms]) => value_ms >= ms && value_ms % ms === 0) ?? [1, 'ms'];
  return `${value_ms / unit_ms}${unit}`;
}
