/** GET /metrics: for Prometheus. Open without a token, as exporters of Kafka tools are. */
import { Type } from 'typebox';
import { Metrics } from '../metrics.ts';
import type { AdminApp } from '../server.ts';
import type { Topologies } from '../topology_port.ts';

const schema = {
  summary: 'Metrics in the text format of Prometheus',
  tags: ['probes'],
  security: [],
  response: {
    200: { description: 'metrics', content: { 'text/plain': { schema: Type.String() } } },
  },
};

export function metricsRoutes(app: AdminApp, topologies: Topologies): void {
  const metrics = new Metrics(topologies);
  app.get('/metrics', { schema, config: { open: true } }, async (_, reply) =>
    reply.type(metrics.content_type).send(await metrics.render()),
  );
}
