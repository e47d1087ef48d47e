/** Metrics of the connectors: sources that this process runs, and sinks of which it has tasks. */
import { splitTaskId } from '../engine/assignment.ts';
import type { TaskStatus } from '../engine/task.ts';
import { known, type MetricSpec, type Reading, type Sample, tasksOf } from './metric_spec.ts';

export const CONNECTOR_METRICS: Record<string, MetricSpec> = {
  errata_source_connector_ready: {
    type: 'gauge',
    help: '1 if a source connector brings in what there is, else 0',
    labels: ['source', 'kind'],
    read: ({ status }) =>
      status.sources.map(({ source, kind, reason }): Sample => [source, kind, reason === null ? 1 : 0]),
  },
  errata_source_connector_waiting_records: {
    type: 'gauge',
    help: 'Messages that wait on the other side of a source connector, where that is known',
    labels: ['source', 'kind'],
    read: ({ status }) => status.sources.flatMap(({ source, kind, lag }) => known(lag, source, kind)),
  },
  errata_source_connector_records_total: {
    type: 'counter',
    help: 'Records of a source connector that Kafka acknowledged since the process began',
    labels: ['source', 'kind'],
    read: ({ status }) => status.sources.map(({ source, kind, records }): Sample => [source, kind, records]),
  },
  errata_source_connector_failures_total: {
    type: 'counter',
    help: 'How often a source connector failed since the process began',
    labels: ['source', 'kind'],
    read: ({ status }) =>
      status.sources.map(({ source, kind, failures }): Sample => [source, kind, failures]),
  },
  errata_sink_ready: {
    type: 'gauge',
    help: '1 if all tasks of a sink in this process write, else 0',
    labels: ['sink', 'kind'],
    read: (reading) =>
      sinksOf(reading).map(({ sink, kind, tasks }): Sample => {
        const all_write = tasks.every(({ phase, reason }) => phase === 'running' && reason === null);
        return [sink, kind, all_write ? 1 : 0];
      }),
  },
  errata_sink_failures_total: {
    type: 'counter',
    help: 'How often a write of a sink failed and was tried again, of the tasks that run here now',
    labels: ['sink', 'kind'],
    read: (reading) =>
      sinksOf(reading).map(({ sink, kind, tasks }): Sample => {
        return [sink, kind, tasks.reduce((sum, { failures }) => sum + failures, 0)];
      }),
  },
};

/** Those of which this process has tasks. */
function sinksOf(reading: Reading): { sink: string; kind: string; tasks: TaskStatus[] }[] {
  return reading.plan.stages.flatMap(({ name, sink }) => {
    const tasks = tasksOf(reading).filter(({ task }) => splitTaskId(task).stage === name);
    return sink && tasks.length > 0 ? [{ sink: sink.name, kind: sink.kind, tasks }] : [];
  });
}
