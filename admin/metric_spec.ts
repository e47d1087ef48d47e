/** What a metric is made of. */
import type { Plan } from '../engine/plan.ts';
import type { TaskStatus } from '../engine/task.ts';
import type { accounts } from './ledger_accounts.ts';
import type { TopologyStatus } from './topology_port.ts';

/** A topology at the time of a scrape. */
export interface Reading {
  plan: Plan;
  status: TopologyStatus;
  ledger: ReturnType<typeof accounts>;
  sources: string[];
}

/** Values of the labels, in their order, and the value; `topology` is put in front. */
export type Sample = [...labels: string[], value: number];

export interface MetricSpec {
  type: 'gauge' | 'counter';
  help: string;
  labels: string[];
  read(reading: Reading): Sample[];
}

export function tasksOf({ status }: Pick<Reading, 'status'>): TaskStatus[] {
  return status.workers.flatMap(({ tasks }) => tasks);
}

/** No sample where there is no value: 0 would be one. */
export function known(value: number | null, ...labels: string[]): Sample[] {
  return value === null || !Number.isFinite(value) ? [] : [[...labels, value]];
}
