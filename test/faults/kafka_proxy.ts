/**
 * Stands between one errata process and the brokers, with a port for each, and fails as networks do: connections that are cut, refused,
 * slow, or cut exactly when a request of some kind passes, before it arrives or before its answer does.
 *
 * The answers in which a broker says where it and others are are changed to say that they are here, so that no connection goes past.
 */
import { type AddressInfo, createServer, type Server, type Socket, connect as tcpConnect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { FrameSplitter } from './frame_splitter.ts';

const HOST = '127.0.0.1';
const LENGTH_BYTES = 4;
/** Metadata, FindCoordinator and DescribeCluster: their answers hold addresses. */
const TELL_ADDRESSES = new Set([3, 10, 60]);

/** Lost before the broker has the request, or after it did what was asked. */
export type CutPoint = 'request' | 'answer';

export interface ArmedCut {
  api_key: number;
  point: CutPoint;
  fired(): void;
}

export class KafkaProxy {
  delay_ms = 0;
  is_refusing = false;
  /** Connections that were refused so far. */
  refused = 0;
  readonly #doors: Door[] = [];
  readonly #relays = new Set<Relay>();
  #armed: ArmedCut | null = null;

  /** In front of brokers that listen on these ports. */
  static async start(...broker_ports: number[]): Promise<KafkaProxy> {
    const proxy = new KafkaProxy();
    for (const broker_port of broker_ports) await proxy.#open(broker_port);
    return proxy;
  }

  private constructor() {}

  /** `host:port`, of several with commas. */
  get address(): string {
    return this.#doors.map(({ port }) => `${HOST}:${port}`).join(',');
  }

  /** All connections that there are. */
  cut(): void {
    for (const relay of this.#relays) relay.end();
  }

  /** Cuts the connection on which the next request of this kind passes; false if none did in time. */
  async cutAt(api_key: number, point: CutPoint, within_ms: number): Promise<boolean> {
    const fired = new Promise<boolean>((resolve) => {
      this.#armed = { api_key, point, fired: () => resolve(true) };
    });
    const armed = this.#armed;
    const has_fired = await Promise.race([fired, delay(within_ms, false, { ref: false })]);
    if (this.#armed === armed) this.#armed = null;
    return has_fired;
  }

  async stop(): Promise<void> {
    const closed = this.#doors.map(({ server }) => new Promise((resolve) => server.close(resolve)));
    this.cut();
    await Promise.all(closed);
  }

  async #open(broker_port: number): Promise<void> {
    const server = createServer({ noDelay: true }, (client) => this.#accept(client, broker_port));
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    this.#doors.push({ server, broker_port, port: (server.address() as AddressInfo).port });
  }

  #accept(client: Socket, broker_port: number): void {
    if (this.is_refusing) {
      this.refused++;
      client.resetAndDestroy();
      return;
    }
    const relay = new Relay(client, tcpConnect({ host: HOST, port: broker_port, noDelay: true }), {
      doors: this.#doors,
      delayMs: () => this.delay_ms,
      disarm: (api_key) => this.#disarm(api_key),
      onEnd: () => this.#relays.delete(relay),
    });
    this.#relays.add(relay);
  }

  /** The cut that waits for such a request, which happens once. */
  #disarm(api_key: number): ArmedCut | null {
    const armed = this.#armed;
    if (armed?.api_key !== api_key) return null;
    this.#armed = null;
    return armed;
  }
}

/** Behind its port is a broker. */
interface Door {
  server: Server;
  port: number;
  broker_port: number;
}

interface RelayPorts {
  doors: readonly Door[];
  delayMs(): number;
  disarm(api_key: number): ArmedCut | null;
  onEnd(): void;
}

/** One connection. */
class Relay {
  readonly #client: Socket;
  readonly #broker: Socket;
  readonly #proxy: RelayPorts;
  /** By correlation id: what the answer has to undergo. */
  readonly #expected = new Map<number, { tells_addresses: boolean; cut: ArmedCut | null }>();
  readonly #addresses: { broker: Buffer; proxy: Buffer }[];
  #is_over = false;

  constructor(client: Socket, broker: Socket, proxy: RelayPorts) {
    this.#client = client;
    this.#broker = broker;
    this.#proxy = proxy;
    this.#addresses = proxy.doors.map(({ broker_port, port }) => ({
      broker: addressBytes(broker_port),
      proxy: addressBytes(port),
    }));
    this.#pipe(client, broker, (frame) => this.#onRequest(frame));
    this.#pipe(broker, client, (frame) => this.#onAnswer(frame));
  }

  end(): void {
    if (this.#is_over) return;
    this.#is_over = true;
    this.#client.resetAndDestroy();
    this.#broker.destroy();
    this.#proxy.onEnd();
  }

  /** In order, also where the delay becomes shorter. `pass` false: the frame is kept back. */
  #pipe(from: Socket, to: Socket, pass: (frame: Buffer) => boolean): void {
    const frames = new FrameSplitter();
    let due_ms = 0;
    from.on('data', (chunk) => {
      for (const frame of frames.add(chunk)) {
        if (this.#is_over || !pass(frame)) return;
        due_ms = Math.max(due_ms, Date.now() + this.#proxy.delayMs());
        const wait_ms = due_ms - Date.now();
        if (wait_ms <= 0) to.write(frame);
        else setTimeout(() => to.write(frame), wait_ms);
      }
    });
    from.on('error', () => undefined);
    from.on('close', () => this.end());
  }

  #onRequest(frame: Buffer): boolean {
    const api_key = frame.readInt16BE(LENGTH_BYTES);
    const correlation_id = frame.readInt32BE(LENGTH_BYTES + 4);
    const cut = this.#proxy.disarm(api_key);
    if (cut?.point === 'request') return this.#cutNow(cut);
    const tells_addresses = TELL_ADDRESSES.has(api_key);
    if (tells_addresses || cut) this.#expected.set(correlation_id, { tells_addresses, cut });
    return true;
  }

  #onAnswer(frame: Buffer): boolean {
    const correlation_id = frame.readInt32BE(LENGTH_BYTES);
    const expected = this.#expected.get(correlation_id);
    if (!expected) return true;
    this.#expected.delete(correlation_id);
    if (expected.cut) return this.#cutNow(expected.cut);
    const found = this.#addresses.flatMap(({ broker, proxy }) =>
      placesOf(broker, frame).map((at) => ({ at, proxy })),
    );
    for (const { at, proxy } of found) proxy.copy(frame, at);
    return true;
  }

  #cutNow(cut: ArmedCut): false {
    this.end();
    cut.fired();
    return false;
  }
}

function placesOf(bytes: Buffer, frame: Buffer): number[] {
  const places: number[] = [];
  for (let at = frame.indexOf(bytes); at >= 0; at = frame.indexOf(bytes, at + 1)) places.push(at);
  return places;
}

/** As every version of those answers has it: the end of a string, then a port of 32 bits. */
function addressBytes(port: number): Buffer {
  const bytes = Buffer.alloc(HOST.length + 4);
  bytes.write(HOST);
  bytes.writeInt32BE(port, HOST.length);
  return bytes;
}
