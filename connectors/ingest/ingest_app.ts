/** The ingest over HTTP: `POST /v1/predictions`, `POST /v1/feedback`, `/health` and its own description. */
import cors from '@fastify/cors';
import swagger from '@fastify/swagger';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { Type } from 'typebox';
import { ErrataError } from '../../messages/errata_error.ts';
import { schemaName } from '../../messages/schema_name.ts';
import { type AccessRules, checkAccess } from './access.ts';
import { Hold, PendingBytes } from './allowance.ts';
import { sendProblem, sendRefused } from './ingest_problem.ts';
import { type Endpoint, Intake, type IntakeLimits, tooMuchPending } from './intake.ts';
import type { RecordKind } from './record_check.ts';
import { declaredBytes, formOf, idempotencyKeyIn, isZipped, unzipped } from './request_body.ts';
import { INGEST_ROUTES, SHARED_SCHEMAS } from './routes.ts';

export interface IngestSettings extends IntakeLimits {
  access: AccessRules;
  max_body_bytes: number;
  max_pending_bytes: number;
}

declare module 'fastify' {
  interface FastifyRequest {
    hold: Hold | null;
  }
}

/** A client that does not get its request across in this time is cut off. */
const REQUEST_TIMEOUT_MS = 60_000;

/** `endpointOf`: null where records of that kind are not taken. */
export async function createIngest(
  settings: IngestSettings,
  endpointOf: (kind: RecordKind) => Endpoint | null,
  log: FastifyBaseLogger,
): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: settings.max_body_bytes,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    // Who has a connection still gets an answer.
    return503OnClosing: false,
  });
  app.setErrorHandler(sendProblem);
  app.setNotFoundHandler(({ method, url }) => {
    throw new ErrataError('E_UNKNOWN_ROUTE', `there is no ${method} ${url}`, { hint: 'see /openapi.json' });
  });
  for (const schema of SHARED_SCHEMAS) app.addSchema(schema);
  // Records are checked where they stand in the body, which is never parsed as a whole.
  app.setValidatorCompiler(() => () => true);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async (_: FastifyRequest, body: Buffer) => body);
  app.decorateRequest('hold', null);
  await app.register(swagger, { openapi: DOCUMENT, refResolver: { buildLocalReference: schemaName } });
  await app.register(cors, {
    origin: settings.access.cors.includes('*') ? '*' : [...settings.access.cors],
    methods: ['POST'],
    allowedHeaders: ['authorization', 'content-type', 'content-encoding', 'idempotency-key'],
    maxAge: 86_400,
    hook: 'onRequest',
  });
  app.after(() => {
    addRecordRoutes(app, settings, endpointOf);
    addOpenRoutes(app);
  });
  await app.ready();
  return app;
}

function addRecordRoutes(
  app: FastifyInstance,
  settings: IngestSettings,
  endpointOf: (kind: RecordKind) => Endpoint | null,
): void {
  const intake = new Intake(settings);
  const pending = new PendingBytes(settings.max_pending_bytes);
  for (const { kind, url, schema } of INGEST_ROUTES) {
    const onRequest = async (request: FastifyRequest, reply: FastifyReply) => {
      checkAccess(request, kind === 'feedback', settings.access);
      formOf(request.headers);
      isZipped(request.headers);
      const hold = new Hold(pending);
      reply.raw.once('close', () => hold.release());
      request.hold = hold;
      const declared = declaredBytes(request.headers) ?? settings.max_body_bytes;
      // What is too large is refused for that.
      if (!hold.growTo(Math.min(declared, settings.max_body_bytes))) throw tooMuchPending();
    };
    app.post(url, { schema, onRequest }, async (request, reply) => {
      const endpoint = endpointOf(kind);
      if (!endpoint) throw new ErrataError('E_UNKNOWN_ROUTE', `no source takes what comes to ${url}`);
      const { headers, hold } = request;
      const body = await bodyOf(request, settings.max_body_bytes);
      if (!hold!.growTo(body.length)) throw tooMuchPending();
      const idempotency_key = idempotencyKeyIn(headers);
      const answer = await intake.take(endpoint, {
        body,
        form: formOf(headers),
        idempotency_key,
        hold: hold!,
      });
      return answer.accepted === 0 && answer.errors.length > 0
        ? sendRefused(answer, reply)
        : reply.code(202).send(answer);
    });
  }
}

function bodyOf({ body, headers }: FastifyRequest, max_bytes: number): Buffer | Promise<Buffer> {
  const given = (body as Buffer | undefined) ?? Buffer.alloc(0);
  return isZipped(headers) ? unzipped(given, max_bytes) : given;
}

function addOpenRoutes(app: FastifyInstance): void {
  const health = {
    summary: 'The ingest answers',
    tags: ['probes'],
    response: { 200: Type.Object({ status: Type.Literal('ok') }) },
  };
  app.get('/health', { schema: health }, () => ({ status: 'ok' as const }));
  const openapi = {
    summary: 'This document',
    tags: ['probes'],
    response: { 200: Type.Object({}, { additionalProperties: true, description: 'OpenAPI 3.1' }) },
  };
  app.get('/openapi.json', { schema: openapi }, () => app.swagger());
}

const DOCUMENT = {
  openapi: '3.1.0',
  info: { title: 'errata ingest', description: 'Takes predictions and feedback into Kafka.', version: '1' },
  components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } as const } },
  security: [{}, { token: [] as string[] }] as Record<string, string[]>[],
};
