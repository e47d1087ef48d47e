/** GET /topologies and /topologies/{topology}: what runs here, stage by stage and task by task. */
import { Type } from 'typebox';
import { problemResponse } from '../../messages/problem.ts';
import type { AdminApp } from '../server.ts';
import { findTopology, type Topologies, TopologyParams } from '../topology_port.ts';
import { describeTopology, TopologyView } from '../topology_view.ts';

const listSchema = {
  summary: 'The topologies of this process',
  tags: ['topologies'],
  response: {
    200: Type.Object({
      topologies: Type.Array(Type.Pick(TopologyView, ['topology', 'ready', 'reason'])),
    }),
    '4xx': problemResponse,
  },
};

const oneSchema = {
  summary: 'A topology: its sources, stages, tasks and workers',
  tags: ['topologies'],
  params: TopologyParams,
  response: { 200: TopologyView, '4xx': problemResponse },
};

export function topologyRoutes(app: AdminApp, topologies: Topologies): void {
  app.get('/topologies', { schema: listSchema }, () => ({
    topologies: [...topologies.values()].map(describeTopology),
  }));
  app.get('/topologies/:topology', { schema: oneSchema }, ({ params }) =>
    describeTopology(findTopology(topologies, params.topology)),
  );
}
