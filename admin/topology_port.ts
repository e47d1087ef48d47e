/** What the admin API needs of a topology, so that it can be tested without Kafka. */
import { Type } from 'typebox';
import type { Emission } from '../engine/emissions.ts';
import type { LedgerEntries } from '../engine/ledger.ts';
import type { Plan } from '../engine/plan.ts';
import type { ProcessorStatus } from '../engine/processor.ts';
import { ErrataError } from '../messages/errata_error.ts';
import { nearest } from '../topology/nearest.ts';

/** Before it has started it has neither workers nor an identity in the group. */
export type TopologyStatus = Omit<ProcessorStatus, 'process_id'> & { process_id: string | null };

/** One topology as this process runs it, from before it starts until after it has failed. */
export interface TopologyPort {
  readonly plan: Plan;
  status(): TopologyStatus;
  /** Of the tasks in this process. */
  ledger(): LedgerEntries;
  /** The latest that this process made, oldest first. */
  recent(message: Emission['message']): object[];
  /** Both throw E_UNKNOWN_SOURCE; again is no error. */
  pause(source: string): void;
  resume(source: string): void;
}

/** By name. */
export type Topologies = ReadonlyMap<string, TopologyPort>;

export const TopologyParams = Type.Object({ topology: Type.String({ description: 'name of the topology' }) });

/** Throws E_UNKNOWN_TOPOLOGY. */
export function findTopology(topologies: Topologies, name: string): TopologyPort {
  const found = topologies.get(name);
  if (found) return found;
  const names = [...topologies.keys()];
  const near = nearest(name, names);
  throw new ErrataError('E_UNKNOWN_TOPOLOGY', `this process runs no topology "${name}"`, {
    hint: near === null ? `it runs ${names.join(', ')}` : `did you mean "${near}"?`,
  });
}
