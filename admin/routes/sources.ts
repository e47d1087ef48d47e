/** POST /topologies/{topology}/sources/{source}/pause and /resume: intake of one source, in this process. */
import { Type } from 'typebox';
import { problemResponse } from '../../messages/problem.ts';
import type { AdminApp } from '../server.ts';
import { findTopology, type Topologies, TopologyParams } from '../topology_port.ts';

const SourceParams = Type.Object({ ...TopologyParams.properties, source: Type.String() });

const schema = {
  tags: ['sources'],
  params: SourceParams,
  response: {
    200: Type.Object({
      topology: Type.String(),
      source: Type.String(),
      paused: Type.Boolean(),
    }),
    '4xx': problemResponse,
  },
};

const pauseSchema = {
  ...schema,
  summary: 'Stop taking in records of a source; its position stays, its windows stay open. Again is no error',
};

const resumeSchema = { ...schema, summary: 'Go on where the source was paused. Again is no error' };

export function sourceRoutes(app: AdminApp, topologies: Topologies): void {
  const path = '/topologies/:topology/sources/:source';
  app.post(`${path}/pause`, { schema: pauseSchema }, ({ params: { topology, source } }) => {
    findTopology(topologies, topology).pause(source);
    return { topology, source, paused: true };
  });
  app.post(`${path}/resume`, { schema: resumeSchema }, ({ params: { topology, source } }) => {
    findTopology(topologies, topology).resume(source);
    return { topology, source, paused: false };
  });
}
