import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AdminApp } from './server.ts';
import { admin, ask } from './testing.ts';

test('every route stands in the OpenAPI document, with what it answers', async (t) => {
  const { app } = await admin(t);
  const { body } = await ask(app, '/openapi.json');
  const listed = Object.entries<Record<string, { responses: object; summary: string }>>(body.paths).flatMap(
    ([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  assert.deepEqual(listed.sort(), routesOf(app).sort());
  assert.ok(listed.length >= 11);
  for (const [path, methods] of Object.entries<Record<string, Operation>>(body.paths))
    for (const { summary, responses } of Object.values(methods)) {
      assert.ok(summary, path);
      const { content } = responses['200']!;
      assert.ok(content && Object.values(content).every(({ schema }) => schema), path);
    }
  for (const shared of ['problem', 'alert', 'window']) assert.ok(body.components.schemas[shared], shared);
  assert.match(JSON.stringify(body), /"#\/components\/schemas\/alert"/);
});

interface Operation {
  summary?: string;
  responses: Record<string, { content?: Record<string, { schema?: object }> }>;
}

/** From fastify's own list: `/path (GET, HEAD)`, indented as a tree. */
function routesOf(app: AdminApp): string[] {
  const stack: string[] = [];
  return app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const match = /^([│├└─ ]*)(\S+)(?: \(([^)]*)\))?/.exec(line.replaceAll('\u00a0', ' '));
      if (!match) return [];
      const depth = match[1]!.length / 4;
      stack[depth - 1] = match[2]!;
      const path = stack
        .slice(0, depth)
        .join('')
        .replace(/:(\w+)/g, '{$1}');
      const methods = match[3]?.split(', ').filter((method) => method !== 'HEAD') ?? [];
      return methods.map((method) => `${method} ${path}`);
    });
}
