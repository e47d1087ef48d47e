/** The OpenAPI document of the ingest, for clients in any language: made from the schemas of its routes. */
import pino from 'pino';
import { createIngest } from './ingest_app.ts';

/** As `GET /openapi.json` answers; nothing listens for it. */
export async function ingestDocument(): Promise<object> {
  const settings = {
    access: { token: () => undefined, open_feedback: false, cors: [] },
    max_body_bytes: 1,
    max_pending_bytes: 1,
    max_records: 1,
    max_rate: undefined,
    timeout_ms: 1,
    idempotency_ms: 1,
  };
  const app = await createIngest(settings, () => null, pino({ level: 'silent' }));
  try {
    return app.swagger();
  } finally {
    await app.close();
  }
}
