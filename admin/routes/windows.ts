/** GET /topologies/{topology}/windows: the latest results of its windows. */
import { Type } from 'typebox';
import { problemResponse } from '../../messages/problem.ts';
import { latest, RecentQuery } from '../recent.ts';
import type { AdminApp } from '../server.ts';
import { type Topologies, TopologyParams } from '../topology_port.ts';

const schema = {
  summary: 'The latest window results that this process made, newest first',
  tags: ['topologies'],
  params: TopologyParams,
  querystring: RecentQuery,
  response: {
    200: Type.Object({ topology: Type.String(), windows: Type.Array(Type.Ref('window#')) }),
    '4xx': problemResponse,
  },
};

export function windowRoutes(app: AdminApp, topologies: Topologies): void {
  app.get('/topologies/:topology/windows', { schema }, ({ params: { topology }, query: { limit } }) => ({
    topology,
    windows: latest(topologies, topology, 'window', limit),
  }));
}
