/** A topology as the admin API shows it. */
import { type Static, Type } from 'typebox';
import { splitTaskId } from '../engine/assignment.ts';
import type { Plan, StagePlan } from '../engine/plan.ts';
import { sourcesOf } from '../engine/sources.ts';
import type { WorkerStatus } from '../engine/supervisor.ts';
import type { TaskStatus } from '../engine/task.ts';
import { toIso } from '../messages/timestamp.ts';
import { ConnectorView, describeConnectors } from './connector_view.ts';
import { OrNull } from './or_null.ts';
import type { TopologyPort } from './topology_port.ts';

const Watermark = OrNull(Type.String({ format: 'date-time' }), 'event time reached, null before the first');

const Input = Type.Object({
  topic: Type.String(),
  partition: Type.Integer(),
  position: Type.Integer({ description: 'offset of the next record' }),
  end_offset: OrNull(Type.Integer(), 'end of the log when last asked'),
  lag: OrNull(Type.Integer(), 'offsets from position to end'),
  watermark: Watermark,
  idle: Type.Boolean({ description: 'read to its end, and quiet for as long as `idle` says' }),
  paused: Type.Boolean(),
});

const Restore = Type.Object({
  from_offset: Type.Integer({ description: 'what came before was on disk' }),
  next_offset: Type.Integer(),
  end_offset: Type.Integer({ description: 'restored once `next_offset` is there' }),
  records: Type.Integer({ description: 'read so far' }),
  records_per_s: Type.Integer(),
});

const Task = Type.Object({
  task: Type.String({ description: 'stage/partition' }),
  partition: Type.Integer(),
  worker: Type.String(),
  restarts: Type.Integer({ description: 'of its worker' }),
  phase: Type.String({ description: 'restoring, running, waiting or stopped' }),
  reason: OrNull(Type.String(), 'what it waits for'),
  watermark: Watermark,
  state_entries: Type.Integer(),
  restore: OrNull(Restore, 'how far its state is restored from the changelog, or how it was'),
  inputs: Type.Array(Input),
});

const Stage = Type.Object({
  stage: Type.String(),
  kind: Type.String({ description: 'actors, training or sink' }),
  actors: Type.Array(Type.Object({ actor: Type.String(), kind: Type.String() })),
  tasks: Type.Array(Task, { description: 'those that this process runs' }),
});

export const TopologyView = Type.Object({
  topology: Type.String(),
  ready: Type.Boolean(),
  reason: OrNull(Type.String(), 'why it is not ready'),
  namespace: Type.String(),
  group_id: Type.String({ description: 'consumer group' }),
  process_id: OrNull(Type.String(), 'of this process in the group, null until the topology has started'),
  sources: Type.Array(Type.Object({ source: Type.String(), paused: Type.Boolean() })),
  connectors: Type.Array(ConnectorView),
  stages: Type.Array(Stage),
  workers: Type.Array(
    Type.Object({
      worker: Type.String(),
      phase: Type.String({ description: 'starting, running, restarting or stopped' }),
      restarts: Type.Integer(),
      last_error: OrNull(Type.String(), 'what it died of last'),
    }),
  ),
});
export type TopologyView = Static<typeof TopologyView>;

export function describeTopology(port: TopologyPort): TopologyView {
  const { plan } = port;
  const status = port.status();
  const { topology, process_id, not_ready, paused_sources, workers } = status;
  return {
    topology,
    ready: not_ready === null,
    reason: not_ready,
    namespace: plan.namespace,
    group_id: plan.group_id,
    process_id,
    sources: describeSources(plan, paused_sources),
    connectors: describeConnectors(plan, status),
    stages: plan.stages.map((stage) => describeStage(stage, workers)),
    workers: workers.map(({ worker, phase, restarts, last_error }) => ({
      worker,
      phase,
      restarts,
      last_error,
    })),
  };
}

function describeSources(plan: Plan, paused: readonly string[]): TopologyView['sources'] {
  return sourcesOf(plan).map((source) => ({ source, paused: paused.includes(source) }));
}

function describeStage(stage: StagePlan, workers: readonly WorkerStatus[]): Static<typeof Stage> {
  const tasks = workers.flatMap((worker) => worker.tasks.map((task) => describeTask(task, worker)));
  return {
    stage: stage.name,
    kind: stage.kind,
    actors: stage.actors.map(({ name, kind }) => ({ actor: name, kind })),
    tasks: tasks
      .filter(({ task }) => splitTaskId(task).stage === stage.name)
      .sort((a, b) => a.partition - b.partition),
  };
}

function describeTask(status: TaskStatus, { worker, restarts }: WorkerStatus): Static<typeof Task> {
  const { task, phase, reason, watermark_ms, state_entries, restore, inputs } = status;
  return {
    task,
    partition: splitTaskId(task).partition,
    worker,
    restarts,
    phase,
    reason,
    watermark: isoOrNull(watermark_ms),
    state_entries,
    restore,
    inputs: inputs.map(({ watermark_ms, ...input }) => ({ ...input, watermark: isoOrNull(watermark_ms) })),
  };
}

/** Nothing more to come is shown as a watermark of infinity inside; there is no ISO date for it. */
function isoOrNull(time_ms: number | null): string | null {
  return time_ms !== null && Math.abs(time_ms) <= 8.64e15 ? toIso(time_ms) : null;
}
