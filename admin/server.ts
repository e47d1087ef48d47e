/**
 * The admin API: what a topology does, over HTTP, and the few things that can be asked of it. Its OpenAPI document
 * is made from the schemas of the routes.
 */
import swagger from '@fastify/swagger';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  LogController,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from 'fastify';
import { Alert } from '../messages/assessment.ts';
import { ErrataError } from '../messages/errata_error.ts';
import { listenError } from '../messages/listen_error.ts';
import { Problem } from '../messages/problem.ts';
import { schemaName } from '../messages/schema_name.ts';
import { WindowResult } from '../messages/window.ts';
import { checkExposure, guard } from './access.ts';
import { sendProblem } from './problem.ts';
import { alertRoutes } from './routes/alerts.ts';
import { healthRoutes } from './routes/health.ts';
import { ledgerRoutes } from './routes/ledger.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { openapiRoutes } from './routes/openapi.ts';
import { readyRoutes } from './routes/ready.ts';
import { sourceRoutes } from './routes/sources.ts';
import { topologyRoutes } from './routes/topologies.ts';
import { windowRoutes } from './routes/windows.ts';
import type { Topologies } from './topology_port.ts';

export type AdminApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export type Routes = (app: AdminApp, topologies: Topologies) => void;

/** In the order in which the document lists them. */
const ROUTES: Routes[] = [
  healthRoutes,
  readyRoutes,
  metricsRoutes,
  openapiRoutes,
  topologyRoutes,
  ledgerRoutes,
  windowRoutes,
  alertRoutes,
  sourceRoutes,
];

export interface AdminOptions {
  topologies: Topologies;
  /** Null: nobody is asked for one. */
  token: string | null;
  log: FastifyBaseLogger;
}

export async function createAdmin({ topologies, token, log }: AdminOptions): Promise<AdminApp> {
  const app = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    // What is still being read must not hold up a stop.
    forceCloseConnections: true,
    bodyLimit: 64 * 1024,
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.setErrorHandler(sendProblem);
  app.setNotFoundHandler(({ method, url }) => {
    throw new ErrataError('E_UNKNOWN_ROUTE', `there is no ${method} ${url}`, {
      hint: 'see /openapi.json for what there is',
    });
  });
  for (const schema of [Problem, Alert, WindowResult]) app.addSchema(schema);
  await app.register(swagger, { openapi: DOCUMENT, refResolver: { buildLocalReference: schemaName } });
  guard(app, token);
  app.after(() => {
    for (const add of ROUTES) add(app, topologies);
  });
  await app.ready();
  return app;
}

export interface AdminServer {
  /** `http://host:port`. */
  readonly address: string;
  stop(): Promise<void>;
}

/** Resolves when it listens; port 0 picks a free one. Throws E_ADMIN_TOKEN, E_PORT_IN_USE or E_LISTEN. */
export async function startAdmin(
  options: AdminOptions & { host: string; port: number },
): Promise<AdminServer> {
  const { host, port, token } = options;
  checkExposure(host, token);
  const app = await createAdmin(options);
  try {
    const address = await app.listen({ host, port, listenTextResolver: () => 'admin API listens' });
    return { address, stop: () => app.close() };
  } catch (cause) {
    await app.close();
    throw listenError(cause, host, port, '--admin-port');
  }
}

const DOCUMENT = {
  openapi: '3.1.0',
  info: {
    title: 'errata admin API',
    description:
      'What the topologies of one process do. Other processes of the group answer for their tasks.',
    version: '1',
  },
  components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
} as const;
