/**
 * One server for all sources of a process that name the same host and port, each for a kind of record. It listens from
 * the first to the last of them.
 */
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { ErrataError } from '../../messages/errata_error.ts';
import { listenError } from '../../messages/listen_error.ts';
import { createIngest, type IngestSettings } from './ingest_app.ts';
import type { Endpoint } from './intake.ts';
import type { RecordKind } from './record_check.ts';

export interface ServerPlace {
  host: string;
  port: number;
  /** All else that must be equal for the sources of a server. */
  fingerprint: string;
  settings: IngestSettings;
  log: Logger;
}

const servers = new Map<string, SharedServer>();

/** Resolves when it listens. Throws E_INGEST_SHARED, E_PORT_IN_USE or E_LISTEN. */
export async function joinServer(place: ServerPlace, endpoints: readonly Endpoint[]): Promise<SharedServer> {
  const name = `${place.host}:${place.port}`;
  const known = servers.get(name);
  const server = known ?? new SharedServer(place, () => servers.delete(name));
  server.add(place.fingerprint, endpoints);
  servers.set(name, server);
  try {
    await server.listening;
    return server;
  } catch (error) {
    await server.leave(endpoints);
    throw error;
  }
}

export class SharedServer {
  readonly listening: Promise<void>;
  readonly #fingerprint: string;
  readonly #endpoints = new Map<RecordKind, Endpoint>();
  readonly #onEnd: () => void;
  #app: FastifyInstance | undefined;

  constructor(place: ServerPlace, onEnd: () => void) {
    this.#fingerprint = place.fingerprint;
    this.#onEnd = onEnd;
    this.listening = this.#listen(place);
  }

  /** Throws E_INGEST_SHARED. */
  add(fingerprint: string, endpoints: readonly Endpoint[]): void {
    if (fingerprint !== this.#fingerprint) {
      throw new ErrataError('E_INGEST_SHARED', 'sources on one port differ in more than accepts and key');
    }
    const taken = endpoints.find(({ kind }) => this.#endpoints.has(kind));
    if (taken) {
      throw new ErrataError('E_INGEST_SHARED', `another source takes ${taken.kind} records on this port`, {
        hint: 'give each its own "accepts", or another port',
      });
    }
    for (const endpoint of endpoints) this.#endpoints.set(endpoint.kind, endpoint);
  }

  /** The last one waits until what is under way is answered. */
  async leave(endpoints: readonly Endpoint[]): Promise<void> {
    for (const { kind } of endpoints) this.#endpoints.delete(kind);
    if (this.#endpoints.size > 0) return;
    this.#onEnd();
    await this.#app?.close();
  }

  async #listen({ host, port, settings, log }: ServerPlace): Promise<void> {
    this.#app = await createIngest(settings, (kind) => this.#endpoints.get(kind) ?? null, log);
    try {
      const address = await this.#app.listen({ host, port, listenTextResolver: () => 'ingest listens' });
      log.info({ address }, 'ingest listens');
    } catch (cause) {
      throw listenError(cause, host, port, '"port" of the source');
    }
  }
}
