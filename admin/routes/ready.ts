/** GET /ready: every topology of this process does its work. */
import { type Static, Type } from 'typebox';
import { OrNull } from '../or_null.ts';
import type { AdminApp } from '../server.ts';
import type { Topologies } from '../topology_port.ts';

const Readiness = Type.Object({
  ready: Type.Boolean(),
  topologies: Type.Array(
    Type.Object({
      topology: Type.String(),
      ready: Type.Boolean(),
      reason: OrNull(Type.String(), 'why it is not ready'),
    }),
  ),
});
export type Readiness = Static<typeof Readiness>;

const schema = {
  summary: 'Whether every topology runs; 503 with the reasons where one does not',
  tags: ['probes'],
  security: [],
  response: { 200: Readiness, 503: Readiness },
};

export function readyRoutes(app: AdminApp, topologies: Topologies): void {
  app.get('/ready', { schema, config: { open: true } }, (_, reply) => {
    const all = [...topologies.values()].map((port) => {
      const { topology, not_ready } = port.status();
      return { topology, ready: not_ready === null, reason: not_ready };
    });
    const ready = all.every((one) => one.ready);
    reply.code(ready ? 200 : 503);
    return { ready, topologies: all };
  });
}
