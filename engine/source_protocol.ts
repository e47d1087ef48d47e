/** What the host of the sources and one of their threads say to each other. */
import type { KafkaSettings } from './kafka.ts';
import type { ResolvedPlan, SourcePlan } from './plan.ts';
import type { SourceStatus } from './source_runner.ts';

export interface SourceThreadInit {
  plan: ResolvedPlan;
  /** Those of one kind. */
  sources: SourcePlan[];
  kafka: KafkaSettings;
  process_id: string;
  /** Address of the module of connectors. */
  connectors: string;
  paused_sources: string[];
  log_level: string;
}

export type ToSourceThread = { type: 'pause'; sources: string[] } | { type: 'stop' };

/** By interval, which is also how the host knows that the thread is not stuck, and whenever something changes. */
export type FromSourceThread = { type: 'status'; sources: SourceStatus[] };
