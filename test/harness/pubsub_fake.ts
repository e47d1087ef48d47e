/**
 * Google's own Pub/Sub fake (Go's `pstest`) for tests: built once into the cache by Go, and run as a process that ends with the test.
 * Without Go, tests that need it are skipped loudly; with CI=true they fail. It delivers about 100 messages a second and stream.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { PubSub } from '@google-cloud/pubsub';
import type { Ending } from './embedded.ts';
import { withGoTool } from './go_tool.ts';

export const PROJECT = 'test';

/** Google's status codes, as gRPC numbers them. */
export const GRPC = {
  OK: 0,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  PERMISSION_DENIED: 7,
  FAILED_PRECONDITION: 9,
  UNAVAILABLE: 14,
} as const;

/** What goes wrong with some calls of one method. */
export interface PubsubFault {
  method: 'Publish' | 'Acknowledge' | 'ModifyAckDeadline' | 'Pull' | 'GetSubscription' | 'GetTopic';
  /** Of `GRPC`; OK: the answer is as if all were well. */
  code: number;
  /** Whether the call is carried out all the same, and only its answer is wrong. */
  done?: boolean;
  /** How many calls pass before it. */
  skip?: number;
  times: number;
  /** Only publishing of this key. */
  ordering_key?: string;
}

/** A message that was ever published, and what became of it. */
export interface PubsubMessage {
  message_id: string;
  /** `projects/PROJECT/topics/NAME` */
  topic: string;
  ordering_key: string;
  attributes: Record<string, string>;
  data: Buffer;
  deliveries: number;
  acks: number;
  /** Of its ack deadline. */
  extensions: number;
  nacks: number;
}

export class PubsubFake {
  /** For PUBSUB_EMULATOR_HOST: `127.0.0.1:port`. */
  readonly address: string;
  readonly #control: string;

  constructor({ address, control }: { address: string; control: string }) {
    this.address = address;
    this.#control = control;
  }

  /** What a process needs that talks to it. */
  get env(): Record<string, string> {
    return { PUBSUB_EMULATOR_HOST: this.address, METADATA_SERVER_DETECTION: 'none' };
  }

  client(projectId = PROJECT): PubSub {
    // There is none here, and looking for it takes seconds.
    process.env.METADATA_SERVER_DETECTION ??= 'none';
    return new PubSub({ projectId, apiEndpoint: this.address, emulatorMode: true });
  }

  inject(fault: PubsubFault): Promise<void> {
    return this.#tell('/faults', fault);
  }

  /** How many calls are still to go wrong. */
  async faultsLeft(): Promise<number> {
    return (await fetch(`${this.#control}/faults`)).json() as Promise<number>;
  }

  /** Every call is refused, and streams end. */
  setDown(is_down: boolean): Promise<void> {
    return this.#tell('/down', is_down);
  }

  /** Streams stay open, but say nothing and answer nothing. */
  stallStreams(stalled: boolean): Promise<void> {
    return this.#tell('/stall', stalled);
  }

  /** Each so manieth message is delivered twice at once; 0: none. */
  duplicateEvery(messages: number): Promise<void> {
    return this.#tell('/duplicate_every', messages);
  }

  /** In the order in which they were published. */
  async messages(topic: string): Promise<PubsubMessage[]> {
    const response = await fetch(`${this.#control}/messages`);
    const found = (await response.json()) as (Omit<PubsubMessage, 'data'> & { data: string | null })[];
    return found
      .filter((message) => message.topic.endsWith(`/topics/${topic}`))
      .map((message) => ({
        ...message,
        attributes: message.attributes ?? {},
        data: Buffer.from(message.data ?? '', 'base64'),
      }));
  }

  async #tell(path: string, body: unknown): Promise<void> {
    const response = await fetch(`${this.#control}${path}`, { method: 'POST', body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
  }
}

type Body = (fake: PubsubFake, t: TestContext) => Promise<void>;

/** A test of which the body's own `after` hooks run while the fake still is there: clients wait long for a dead one. */
export function onPubsubFake(name: string, body: Body, timeout_ms = 60_000): void {
  test(name, async (t) => {
    const fake = await withPubsubFake(t);
    if (fake !== undefined) await t.test('body', { timeout: timeout_ms }, (inner) => body(fake, inner));
  });
}

/** Undefined if the test is skipped for want of Go. */
export async function withPubsubFake(t: TestContext): Promise<PubsubFake | undefined> {
  const binary = withGoTool(t, 'pubsub_fake');
  return binary === undefined ? undefined : startPubsubFake(binary, t);
}

/** `address`: where it listens; default: a free port. */
export async function startPubsubFake(
  binary: string,
  t: Ending,
  ...address: [] | [string]
): Promise<PubsubFake> {
  const child = spawn(binary, address, { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(async () => {
    if (child.exitCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'close');
  });
  return new PubsubFake(JSON.parse(await firstLine(child)));
}

async function firstLine(child: ChildProcess): Promise<string> {
  let printed = '';
  for await (const chunk of child.stdout!) {
    printed += chunk;
    if (printed.includes('\n')) return printed;
  }
  throw new Error('the Pub/Sub fake ended without saying where it listens');
}
