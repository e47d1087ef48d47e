/**
 * Stands between one errata process and the broker, and fails as networks do: connections that are cut, refused,
 * slow, or cut exactly when a request of some kind passes, before it arrives or before its answer does.
 *
 * The answers in which a broker says where it is are changed to say that it is here, so that no connection goes past.
 */
import { createServer, type Server, type Socket, connect as tcpConnect } from 'node:net';
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
  readonly #target_port: number;
  readonly #server: Server;
  readonly #relays = new Set<Relay>();
  #armed: ArmedCut | null = null;

  static async start(target_port: number): Promise<KafkaProxy> {
    const proxy = new KafkaProxy(target_port);
    await new Promise<void>((resolve) => proxy.#server.listen(0, HOST, resolve));
    return proxy;
  }

  private constructor(target_port: number) {
    this.#target_port = target_port;
    this.#server = createServer({ noDelay: true }, (client) => this.#accept(client));
  }

  get port(): number {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the proxy does not listen');
    return address.port;
  }

  get address(): string {
    return `${HOST}:${this.port}`;
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
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  #accept(client: Socket): void {
    if (this.is_refusing) {
      this.refused++;
      client.resetAndDestroy();
      return;
    }
    const relay = new Relay(client, tcpConnect({ host: HOST, port: this.#target_port, noDelay: true }), {
      ports: { broker: this.#target_port, proxy: this.port },
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

interface RelayPorts {
  ports: { broker: number; proxy: number };
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
  readonly #addresses: { broker: Buffer; proxy: Buffer };
  #is_over = false;

  constructor(client: Socket, broker: Socket, proxy: RelayPorts) {
    this.#client = client;
    this.#broker = broker;
    this.#proxy = proxy;
    this.#addresses = { broker: addressBytes(proxy.ports.broker), proxy: addressBytes(proxy.ports.proxy) };
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
    const { broker, proxy } = this.#addresses;
    for (let at = frame.indexOf(broker); at >= 0; at = frame.indexOf(broker, at + 1)) proxy.copy(frame, at);
    return true;
  }

  #cutNow(cut: ArmedCut): false {
    this.end();
    cut.fired();
    return false;
  }
}

/** As every version of those answers has it: the end of a string, then a port of 32 bits. */
function addressBytes(port: number): Buffer {
  const bytes = Buffer.alloc(HOST.length + 4);
  bytes.write(HOST);
  bytes.writeInt32BE(port, HOST.length);
  return bytes;
}
