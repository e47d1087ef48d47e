/** GET /topologies/{topology}/ledger: what became of every record. */
import { type Static, Type } from 'typebox';
import { problemResponse } from '../../messages/problem.ts';
import { accounts, Counts, SourceAccount } from '../ledger_accounts.ts';
import { OrNull } from '../or_null.ts';
import type { AdminApp } from '../server.ts';
import { findTopology, type Topologies, TopologyParams } from '../topology_port.ts';

const LedgerView = Type.Object({
  topology: Type.String(),
  process_id: OrNull(Type.String(), 'counted are the tasks that this process runs'),
  sources: Type.Record(Type.String(), SourceAccount),
  sinks: Type.Record(Type.String(), SourceAccount, {
    description: 'of connectors: what they were given, and what became of it',
  }),
  actors: Type.Record(Type.String(), Counts, {
    description: 'records that the window actors counted, once per window; records that internal topics lost',
  }),
  sum_ok: Type.Boolean({ description: 'of all sources and sinks' }),
});
export type LedgerView = Static<typeof LedgerView>;

const schema = {
  summary: 'What became of every record that entered: each has one disposition',
  tags: ['topologies'],
  params: TopologyParams,
  response: { 200: LedgerView, '4xx': problemResponse },
};

export function ledgerRoutes(app: AdminApp, topologies: Topologies): void {
  app.get('/topologies/:topology/ledger', { schema }, ({ params }) => {
    const port = findTopology(topologies, params.topology);
    const { topology, process_id } = port.status();
    return { topology, process_id, ...accounts(port.ledger(), port.plan) };
  });
}
