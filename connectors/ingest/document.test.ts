/** The OpenAPI document says what the routes are and what they answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ingestDocument } from './document.ts';
import { INGEST_ROUTES, JSON_TYPES, NDJSON_TYPES } from './routes.ts';

interface Operation {
  summary: string;
  requestBody: { content: Record<string, unknown> };
  responses: Record<string, { content: Record<string, unknown> }>;
}

test('each route stands in it, with all that it takes and answers', async () => {
  const { paths, components } = (await ingestDocument()) as {
    paths: Record<string, { post?: Operation }>;
    components: { schemas: Record<string, unknown> };
  };
  assert.deepEqual(Object.keys(paths), [...INGEST_ROUTES.map(({ url }) => url), '/health', '/openapi.json']);
  for (const { url } of INGEST_ROUTES) {
    const { requestBody, responses } = paths[url]!.post!;
    assert.deepEqual(Object.keys(requestBody.content), [...JSON_TYPES, ...NDJSON_TYPES]);
    assert.deepEqual(Object.keys(responses), ['202', '400', '401', '403', '413', '415', '422', '429']);
    for (const { content } of Object.values(responses)) assert.equal(Object.keys(content).length, 1);
  }
  for (const shared of ['prediction', 'feedback', 'problem', 'accepted', 'refused'])
    assert.ok(components.schemas[shared], shared);
});
