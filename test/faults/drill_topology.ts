/** The topology that is drilled: a source that is keyed, one that is so in every other round and else re-keyed, windows, alerts, every kind of sink. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Guarantee, Plan, StatePlan } from '../../engine/plan.ts';
import { loadTopology } from '../../topology/load.ts';
import { PARTITIONS } from './drill_input.ts';
import type { SourceTopics } from './feeder.ts';

export const DISORDER_MS = 5_000;

export type StoreKind = StatePlan['store'];

export interface DrillTopology {
  file: string;
  plan: Plan;
  sources: SourceTopics;
  sinks: { assessments: string; alerts: string; windows: string };
}

export interface DrillSetting {
  guarantee: Guarantee;
  session_timeout_ms: number;
  store: StoreKind;
  /** Otherwise it is re-keyed. */
  feedback_keyed: boolean;
}

/** `name` keeps a round apart from all others on its broker. */
export function writeTopology(folder: string, name: string, setting: DrillSetting): DrillTopology {
  const file = join(folder, `${name}.yaml`);
  // All processes share the folder, as where several run on one machine.
  const state = `{ store: ${setting.store}, path: ${join(folder, 'state')} }`;
  writeFileSync(file, yaml(name, setting, state));
  const { plan, problems } = loadTopology(file, {});
  if (!plan) throw new Error(`the drill's topology has mistakes: ${JSON.stringify(problems)}`);
  return {
    file,
    plan,
    sources: { predictions: `${name}.predictions`, feedback: `${name}.feedback` },
    sinks: { assessments: `${name}.patterns`, alerts: `${name}.alerts`, windows: `${name}.windows` },
  };
}

function yaml(
  name: string,
  { guarantee, session_timeout_ms, feedback_keyed }: DrillSetting,
  state: string,
): string {
  const keyed = feedback_keyed ? 'key: prediction_id, partitioner: murmur2, ' : '';
  return `
topology: ${name}
partitions: ${PARTITIONS}
guarantee: ${guarantee}
state: ${state}
kafka: { properties: { session.timeout.ms: ${session_timeout_ms}, heartbeat.interval.ms: ${session_timeout_ms / 5} } }
sources:
  predictions: { kafka: { topic: ${name}.predictions }, key: prediction_id, partitioner: murmur2, disorder: ${DISORDER_MS}ms }
  feedback: { kafka: { topic: ${name}.feedback }, ${keyed}disorder: ${DISORDER_MS}ms }
actors:
  capture: { from: [predictions, feedback], join: { wait: 24h } }
  stats: { kind: window, from: capture, by: [deployment_id, model_version], tumbling: 5m, lateness: 24h, idle: never }
  severity: { from: stats, strategies: [threshold] }
sinks:
  alerts: { from: severity, kafka: { topic: ${name}.alerts } }
  patterns: { from: severity.assessments, kafka: { topic: ${name}.patterns } }
  windows: { from: stats, kafka: { topic: ${name}.windows } }
`;
}
