/** GET /health: the process answers. */
import { Type } from 'typebox';
import type { AdminApp } from '../server.ts';

const schema = {
  summary: 'The process is alive; nothing is said of its topologies',
  tags: ['probes'],
  security: [],
  response: { 200: Type.Object({ status: Type.Literal('ok') }) },
};

export function healthRoutes(app: AdminApp): void {
  app.get('/health', { schema, config: { open: true } }, () => ({ status: 'ok' as const }));
}
