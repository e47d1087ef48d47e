/** A transport in memory, for tests of what stands on one. */
import type { Message, MessageKind, Refused, Transport } from './publisher.ts';

export type Sent =
  | { type: 'batch'; kind: MessageKind; messages: readonly Message[] }
  | { type: 'heartbeat'; kind: MessageKind; time_ms: number };

export class MemoryTransport implements Transport {
  max_batch_messages = 1_000;
  max_batch_bytes = 768 * 1024;
  /** All that was acknowledged, in order. */
  readonly sent: Sent[] = [];
  is_closed = false;
  attempts = 0;
  /** Throws for what is not to be acknowledged; what it returns is waited for. */
  gate: (sent: Sent) => Promise<void> | undefined = () => undefined;

  async send(kind: MessageKind, messages: readonly Message[]): Promise<Refused[]> {
    await this.#pass({ type: 'batch', kind, messages });
    return [];
  }

  heartbeat(kind: MessageKind, time_ms: number): Promise<void> {
    return this.#pass({ type: 'heartbeat', kind, time_ms });
  }

  async close(): Promise<void> {
    this.is_closed = true;
  }

  get messages(): Message[] {
    return this.sent.flatMap((sent) => (sent.type === 'batch' ? sent.messages : []));
  }

  get keys(): (string | null)[] {
    return this.messages.map(({ key }) => key);
  }

  get records(): Record<string, unknown>[] {
    return this.messages.map(({ value }) => JSON.parse(value.toString('utf8')) as Record<string, unknown>);
  }

  async #pass(sent: Sent): Promise<void> {
    this.attempts++;
    await this.gate(sent);
    this.sent.push(sent);
  }
}

/** A gate that is shut until `open` is called. */
export function shutGate(): { gate: MemoryTransport['gate']; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { gate: () => promise, open: resolve };
}
