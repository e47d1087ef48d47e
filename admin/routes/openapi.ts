/** GET /openapi.json: this API, described. */
import { Type } from 'typebox';
import type { AdminApp } from '../server.ts';

const schema = {
  summary: 'This document',
  tags: ['probes'],
  security: [],
  response: { 200: Type.Object({}, { additionalProperties: true, description: 'OpenAPI 3.1' }) },
};

export function openapiRoutes(app: AdminApp): void {
  app.get('/openapi.json', { schema, config: { open: true } }, () => app.swagger());
}
