/**
 * Metrics for Prometheus, read from the topologies when it asks. What the ledger counts are gauges: they are about
 * the tasks in this process, and tasks move between processes; only the sum over all processes never falls.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { sourcesOf } from '../engine/sources.ts';
import type { InputStatus } from '../engine/task_input.ts';
import { type ConnectorView, describeConnectors } from './connector_view.ts';
import { accounts } from './ledger_accounts.ts';
import type { Topologies, TopologyStatus } from './topology_port.ts';

interface Reading {
  status: TopologyStatus;
  ledger: ReturnType<typeof accounts>;
  sources: string[];
  connectors: ConnectorView[];
}

/** Values of the labels, in their order, and the value; `topology` is put in front by `render`. */
type Sample = [...labels: string[], value: number];

interface Spec {
  type: 'gauge' | 'counter';
  help: string;
  labels: string[];
  read(reading: Reading): Sample[];
}

const CONNECTOR_LABELS = ['connector', 'direction', 'kind'];

function connectorSamples(value: (connector: ConnectorView) => number | null): Spec['read'] {
  return ({ connectors }) =>
    connectors.flatMap((one) => known(value(one), one.connector, one.direction, one.kind));
}

/** Since it was published, or came in: so it also tells how long it waited before it was taken. */
function oldestAge({ direction, lag, waiting_since }: ConnectorView): number | null {
  if (direction === 'sink' || lag === null) return null;
  return waiting_since === null ? 0 : Math.max(0, Date.now() - Date.parse(waiting_since)) / 1_000;
}

const SPECS: Record<string, Spec> = {
  errata_topology_ready: {
    type: 'gauge',
    help: '1 if the topology does its work, else 0',
    labels: [],
    read: ({ status }) => [[status.not_ready === null ? 1 : 0]],
  },
  errata_source_taken_in_records: {
    type: 'gauge',
    help: 'Records taken in from a source',
    labels: ['source'],
    read: ({ ledger }) =>
      Object.entries(ledger.sources).map(([source, { taken_in }]): Sample => [source, taken_in]),
  },
  errata_source_disposition_records: {
    type: 'gauge',
    help: 'Records of a source by what became of them; they add up to those taken in',
    labels: ['source', 'disposition'],
    read: ({ ledger }) =>
      Object.entries(ledger.sources).flatMap(([source, { dispositions }]) => countsOf(source, dispositions)),
  },
  errata_actor_disposition_records: {
    type: 'gauge',
    help: 'Records by what window actors did with them, once per window',
    labels: ['actor', 'disposition'],
    read: ({ ledger }) => Object.entries(ledger.actors).flatMap(([actor, counts]) => countsOf(actor, counts)),
  },
  errata_source_paused: {
    type: 'gauge',
    help: '1 if the intake of a source is paused, else 0',
    labels: ['source'],
    read: ({ sources, status }) =>
      sources.map((source): Sample => [source, status.paused_sources.includes(source) ? 1 : 0]),
  },
  errata_connector_up: {
    type: 'gauge',
    help: '1 if a connector does its work, else 0',
    labels: CONNECTOR_LABELS,
    read: connectorSamples(({ up }) => (up ? 1 : 0)),
  },
  errata_connector_lag_messages: {
    type: 'gauge',
    help: 'What waits: messages that a source has taken and not acknowledged yet, or offsets before a sink',
    labels: CONNECTOR_LABELS,
    read: connectorSamples(({ lag }) => lag),
  },
  errata_connector_oldest_message_age_seconds: {
    type: 'gauge',
    help: 'How old the oldest message is that a source has taken and not acknowledged yet; 0 if there is none',
    labels: CONNECTOR_LABELS,
    read: connectorSamples(oldestAge),
  },
  errata_connector_records: {
    type: 'gauge',
    help: 'Records that went through a connector',
    labels: CONNECTOR_LABELS,
    read: connectorSamples(({ records }) => records),
  },
  errata_connector_dead_letter_records: {
    type: 'gauge',
    help: 'Records that a connector set aside',
    labels: CONNECTOR_LABELS,
    read: connectorSamples(({ dead_letters }) => dead_letters),
  },
  errata_connector_errors_total: {
    type: 'counter',
    help: 'What a connector had to try again',
    labels: CONNECTOR_LABELS,
    read: connectorSamples(({ failures }) => failures),
  },
  errata_task_lag_records: {
    type: 'gauge',
    help: 'Offsets between the position of a task and the end of its input',
    labels: ['task', 'topic'],
    read: (reading) => inputsOf(reading).flatMap(([task, { topic, lag }]) => known(lag, task, topic)),
  },
  errata_task_position_offset: {
    type: 'gauge',
    help: 'Offset of the next record of an input',
    labels: ['task', 'topic'],
    read: (reading) =>
      inputsOf(reading).map(([task, { topic, position }]): Sample => [task, topic, position]),
  },
  errata_task_watermark_seconds: {
    type: 'gauge',
    help: 'Event time that a task has reached, in seconds since the epoch',
    labels: ['task'],
    read: (reading) =>
      tasksOf(reading).flatMap(({ task, watermark_ms }) =>
        known(watermark_ms === null ? null : watermark_ms / 1000, task),
      ),
  },
  errata_task_state_entries: {
    type: 'gauge',
    help: 'Entries in the state of a task',
    labels: ['task'],
    read: (reading) => tasksOf(reading).map(({ task, state_entries }): Sample => [task, state_entries]),
  },
  errata_results_total: {
    type: 'counter',
    help: 'Windows (each revision), assessments, alerts and rollouts that were committed since the process began',
    labels: ['message'],
    read: ({ status }) => Object.entries(status.told).map(([message, count]): Sample => [message, count]),
  },
  errata_worker_running: {
    type: 'gauge',
    help: '1 if a worker runs, else 0',
    labels: ['worker'],
    read: ({ status }) =>
      status.workers.map(({ worker, phase }): Sample => [worker, phase === 'running' ? 1 : 0]),
  },
  errata_worker_restarts_total: {
    type: 'counter',
    help: 'How often a worker was started again since the process began',
    labels: ['worker'],
    read: ({ status }) => status.workers.map(({ worker, restarts }): Sample => [worker, restarts]),
  },
};

export class Metrics {
  readonly #registry = new Registry();
  readonly #topologies: Topologies;
  readonly #metrics: { metric: Gauge | Counter; spec: Spec }[];

  /** One registry each, so that two servers in a process do not share theirs. */
  constructor(topologies: Topologies) {
    this.#topologies = topologies;
    this.#metrics = Object.entries(SPECS).map(([name, spec]) => {
      const Type = spec.type === 'counter' ? Counter : Gauge;
      const labelNames = ['topology', ...spec.labels];
      return { spec, metric: new Type({ name, help: spec.help, labelNames, registers: [this.#registry] }) };
    });
    collectDefaultMetrics({ register: this.#registry });
  }

  get content_type(): string {
    return this.#registry.contentType;
  }

  render(): Promise<string> {
    const readings = [...this.#topologies.values()].map((port): Reading => {
      const sources = sourcesOf(port.plan);
      const status = port.status();
      const ledger = accounts(port.ledger(), port.plan);
      return { status, ledger, sources, connectors: describeConnectors(port.plan, status) };
    });
    for (const { metric, spec } of this.#metrics) {
      // What a task that has moved away left behind must not be told any more.
      metric.reset();
      for (const reading of readings)
        for (const sample of spec.read(reading)) {
          const labels = [reading.status.topology, ...(sample.slice(0, -1) as string[])];
          metric.labels(...labels).inc(sample.at(-1) as number);
        }
    }
    return this.#registry.metrics();
  }
}

function countsOf(account: string, counts: Record<string, number>): Sample[] {
  return Object.entries(counts).map(([disposition, count]): Sample => [account, disposition, count]);
}

function tasksOf({ status }: Reading) {
  return status.workers.flatMap(({ tasks }) => tasks);
}

function inputsOf(reading: Reading): [task: string, InputStatus][] {
  return tasksOf(reading).flatMap(({ task, inputs }) =>
    inputs.map((input): [string, InputStatus] => [task, input]),
  );
}

/** No sample where there is no value: 0 would be one. */
function known(value: number | null, ...labels: string[]): Sample[] {
  return value === null || !Number.isFinite(value) ? [] : [[...labels, value]];
}
