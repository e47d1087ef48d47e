/**
 * A connector for tests of what runs connectors: it takes lines from a TCP server, publishes each, and acknowledges it by its
 * id. Whoever is not acknowledged sends again, as every real source does. As a module it is what an engine's thread imports.
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { HeldMessages } from '../../connectors/held_messages.ts';
import type { ConnectorModule, RunningSource, SourcePorts } from '../../engine/edge.ts';
import type { Ending } from './embedded.ts';

export interface Line {
  id: string;
  key: string | null;
  value: string;
  timestamp_ms: number;
}

/** What a line may be besides: the connector says that it cannot go on, or its thread dies. */
type Order = { order: 'fail' | 'die'; message: string };

export const startSource: ConnectorModule['startSource'] = async (_kind, config, ports) => {
  const { port } = config as { port: number };
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return lineSource(socket, ports);
};

export const openSink: ConnectorModule['openSink'] = () => Promise.reject(new Error('there are none'));
export const batchLimits: ConnectorModule['batchLimits'] = () => ({ max_records: 1, max_bytes: 1 });

function lineSource(socket: Socket, ports: SourcePorts): RunningSource {
  const held = new HeldMessages();
  let is_stopping = false;
  socket.on('error', () => undefined);
  socket.on('close', () => {
    if (!is_stopping) ports.fail(new Error('the other side hung up'));
  });
  createInterface({ input: socket }).on('line', (text) => {
    const line = JSON.parse(text) as Line | Order;
    if ('order' in line) {
      if (line.order === 'fail') return ports.fail(new Error(line.message));
      throw new Error(line.message);
    }
    const { id, key, value, timestamp_ms } = line;
    const bringIn = async () => {
      await ports.publish([{ id, key, value, headers: { 'line.id': id }, timestamp_ms }]);
      socket.write(`${id}\n`);
    };
    held.during(1, timestamp_ms, bringIn).catch(() => undefined);
  });
  return {
    health: () => null,
    lag: () => held.lag(),
    stop: async () => {
      is_stopping = true;
      socket.destroy();
    },
  };
}

/** The other side: hands out lines until they are acknowledged, to whoever is connected. */
export class LineServer {
  readonly acknowledged = new Set<string>();
  /** Lines that were handed out, repetitions included. */
  handed_out = 0;
  readonly #lines: Line[] = [];
  readonly #sockets: Socket[] = [];
  #server: Server | undefined;
  port = 0;

  static async start(t: Ending): Promise<LineServer> {
    const server = new LineServer();
    await server.up();
    t.after(() => server.down());
    return server;
  }

  async up(): Promise<void> {
    const server = createServer((socket) => this.#take(socket));
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as { port: number }).port;
    this.#server = server;
  }

  async down(): Promise<void> {
    const closed = new Promise((resolve) => this.#server?.close(resolve) ?? resolve(null));
    this.#server = undefined;
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** To all who are connected, so that it arrives as often as there are processes. */
  send(lines: readonly Line[]): void {
    this.#lines.push(...lines);
    for (const socket of this.#sockets) this.#write(socket, lines);
  }

  /** Sends again what was sent, acknowledged or not. */
  repeat(): void {
    for (const socket of this.#sockets) this.#write(socket, this.#lines);
  }

  order(order: Order): void {
    for (const socket of this.#sockets) socket.write(`${JSON.stringify(order)}\n`);
  }

  get connected(): number {
    return this.#sockets.length;
  }

  #take(socket: Socket): void {
    this.#sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.splice(this.#sockets.indexOf(socket), 1));
    createInterface({ input: socket }).on('line', (id) => this.acknowledged.add(id));
    this.#write(
      socket,
      this.#lines.filter(({ id }) => !this.acknowledged.has(id)),
    );
  }

  #write(socket: Socket, lines: readonly Line[]): void {
    this.handed_out += lines.length;
    for (const line of lines) socket.write(`${JSON.stringify(line)}\n`);
  }
}
