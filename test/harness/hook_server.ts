/** A server that takes webhooks, as a test wants it to: it answers, refuses, delays or hangs up. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Ending } from './embedded.ts';

export interface Delivery {
  id: string;
  headers: IncomingMessage['headers'];
  body: string;
  at_ms: number;
}

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  /** Before it answers. */
  delay_ms?: number;
}

const TAKEN: Answer = { status: 204 };

export class HookServer {
  /** What was answered with 2xx, in order. */
  readonly taken: Delivery[] = [];
  readonly requests: Delivery[] = [];
  /** How many are being answered. */
  open = 0;
  most_open = 0;
  answer: (delivery: Delivery) => Answer = () => TAKEN;
  #server: Server | undefined;
  #port = 0;

  static async start(t: Ending): Promise<HookServer> {
    const server = new HookServer();
    await server.up();
    t.after(() => server.down());
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hook`;
  }

  /** On the same port as before. */
  async up(): Promise<void> {
    const server = createServer((request, response) => void this.#take(request, response));
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Cuts what is under way. */
  async down(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.open += 1;
    this.most_open = Math.max(this.most_open, this.open);
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks).toString('utf8');
      const { headers } = request;
      const delivery = { id: String(headers['idempotency-key']), headers, body, at_ms: Date.now() };
      this.requests.push(delivery);
      const { status, headers: own = {}, delay_ms = 0 } = this.answer(delivery);
      if (delay_ms > 0) await delay(delay_ms);
      if (status < 300) this.taken.push(delivery);
      response.writeHead(status, own).end(status < 300 ? '' : `no: ${status}`);
    } catch {
      // Its client is gone.
      response.destroy();
    } finally {
      this.open -= 1;
    }
  }
}
