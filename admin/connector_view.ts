/** Sources and sinks that are connectors, as the admin API and the metrics show them. */
import { type Static, Type } from 'typebox';
import { splitTaskId } from '../engine/assignment.ts';
import type { SourceLag } from '../engine/edge.ts';
import { TAKEN_IN } from '../engine/ledger.ts';
import type { Plan, StagePlan } from '../engine/plan.ts';
import type { TaskStatus } from '../engine/task.ts';
import { toIso } from '../messages/timestamp.ts';
import { OrNull } from './or_null.ts';
import type { TopologyStatus } from './topology_port.ts';

export const ConnectorView = Type.Object({
  connector: Type.String({ description: 'name of the source or sink' }),
  direction: Type.Union([Type.Literal('source'), Type.Literal('sink')]),
  kind: Type.String(),
  up: Type.Boolean(),
  reason: OrNull(Type.String(), 'why it is not up'),
  lag: OrNull(
    Type.Integer(),
    'what waits: messages that a source has taken and not acknowledged yet, offsets before a sink',
  ),
  waiting_since: OrNull(
    Type.String({ format: 'date-time' }),
    'of a source: when the oldest of these was published, or came in',
  ),
  records: Type.Integer({ description: 'that went through in this process; of a sink: in its tasks' }),
  dead_letters: Type.Integer({ description: 'of these, what was set aside' }),
  failures: Type.Integer({ description: 'what had to be tried again, since the process or the task began' }),
});
export type ConnectorView = Static<typeof ConnectorView>;

export function describeConnectors(plan: Plan, { sources, workers }: TopologyStatus): ConnectorView[] {
  const tasks = workers.flatMap((worker) => worker.tasks);
  return [
    ...sources.map(({ source, kind, phase, reason, lag, records, dead_letters, failures }) => ({
      connector: source,
      direction: 'source' as const,
      kind,
      up: phase === 'running',
      reason,
      lag: lag?.messages ?? null,
      waiting_since: waitingSince(lag),
      records,
      dead_letters,
      failures,
    })),
    ...plan.stages.flatMap((stage) => (stage.sink ? [describeSink(stage, stage.sink, tasks)] : [])),
  ];
}

function waitingSince(lag: SourceLag | null): string | null {
  return lag === null || lag.oldest_ms === null ? null : toIso(lag.oldest_ms);
}

/** Over the tasks that this process runs. */
function describeSink(
  { name: stage }: StagePlan,
  { name, kind }: NonNullable<StagePlan['sink']>,
  tasks: readonly TaskStatus[],
): ConnectorView {
  const own = tasks.filter(({ task }) => splitTaskId(task).stage === stage);
  const held = own.find(({ phase }) => phase !== 'running');
  const lags = own.flatMap(({ inputs }) => inputs.map(({ lag }) => lag)).filter((lag) => lag !== null);
  const count = (disposition: string) => sum(own.map(({ ledger }) => ledger[stage]?.[disposition] ?? 0));
  return {
    connector: name,
    direction: 'sink',
    kind,
    up: held === undefined,
    reason: held ? `${held.task} is ${held.phase}${held.reason ? `: ${held.reason}` : ''}` : null,
    lag: lags.length === 0 ? null : sum(lags),
    waiting_since: null,
    records: count(TAKEN_IN),
    dead_letters: count('dead_lettered'),
    failures: sum(own.map(({ failures }) => failures)),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
