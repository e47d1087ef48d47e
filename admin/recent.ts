/** What a topology has made lately, as the routes hand it out. */
import { Type } from 'typebox';
import type { Emission } from '../engine/emissions.ts';
import { findTopology, type Topologies } from './topology_port.ts';

export const RecentQuery = Type.Object(
  { limit: Type.Integer({ minimum: 1, maximum: 200, default: 50, description: 'at most so many' }) },
  { additionalProperties: false },
);

/** Newest first. Throws E_UNKNOWN_TOPOLOGY. */
export function latest(
  topologies: Topologies,
  topology: string,
  message: Emission['message'],
  limit: number,
): object[] {
  return findTopology(topologies, topology).recent(message).slice(-limit).reverse();
}
