/** GET /topologies/{topology}/alerts: the latest alerts. All of them are in the topic of the alerts sink. */
import { Type } from 'typebox';
import { problemResponse } from '../../messages/problem.ts';
import { latest, RecentQuery } from '../recent.ts';
import type { AdminApp } from '../server.ts';
import { type Topologies, TopologyParams } from '../topology_port.ts';

const schema = {
  summary: 'The latest alerts that this process made, newest first',
  tags: ['topologies'],
  params: TopologyParams,
  querystring: RecentQuery,
  response: {
    200: Type.Object({ topology: Type.String(), alerts: Type.Array(Type.Ref('alert#')) }),
    '4xx': problemResponse,
  },
};

export function alertRoutes(app: AdminApp, topologies: Topologies): void {
  app.get('/topologies/:topology/alerts', { schema }, ({ params: { topology }, query: { limit } }) => ({
    topology,
    alerts: latest(topologies, topology, 'alert', limit),
  }));
}
