/**
 * Publishes to errata's HTTP ingest (docs/ingest.md): `POST /v1/predictions` and `/v1/feedback`, NDJSON, answered with
 * 202 once Kafka has acknowledged. A batch that is sent again carries the same `idempotency-key`.
 */
import { createHash, randomUUID } from 'node:crypto';
import { ErrataError } from '../messages/errata_error.ts';
import { BufferedPublisher, type BufferOptions } from './buffered_publisher.ts';
import type { Message, MessageKind, Publisher, Refused, Transport } from './publisher.ts';

export interface HttpPublisherOptions extends Partial<BufferOptions> {
  /** Of the ingest, e.g. `https://errata.example.com`; may have a path. */
  url: string;
  /** Sent as `authorization: Bearer …`. */
  token?: string;
  headers?: Record<string, string>;
  /** For one request. Default: 10,000. */
  timeout_ms?: number;
}

/** Throws ErrataError E_PUBLISH for a `url` that is none. */
export function httpPublisher(options: HttpPublisherOptions): Publisher {
  return new BufferedPublisher(new HttpTransport(options), options);
}

const PATHS: Record<MessageKind, string> = { prediction: 'v1/predictions', feedback: 'v1/feedback' };
const LINE_END = Buffer.from('\n');

class HttpTransport implements Transport {
  readonly max_batch_messages = 1_000;
  readonly max_batch_bytes = 768 * 1024;
  readonly #urls: Record<MessageKind, URL>;
  readonly #headers: Record<string, string>;
  readonly #timeout_ms: number;
  /** By the first message of a batch. */
  readonly #batch_ids = new WeakMap<Message, string>();

  constructor({ url, token, headers = {}, timeout_ms = 10_000 }: HttpPublisherOptions) {
    this.#urls = { prediction: endpoint(url, PATHS.prediction), feedback: endpoint(url, PATHS.feedback) };
    this.#headers = { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers };
    this.#timeout_ms = timeout_ms;
  }

  async send(kind: MessageKind, messages: readonly Message[]): Promise<Refused[]> {
    const body = Buffer.concat(messages.flatMap(({ value }) => [value, LINE_END]));
    const response = await fetch(this.#urls[kind], {
      method: 'POST',
      body,
      // Where it leads, nobody may take it: a login page answers 200.
      redirect: 'manual',
      headers: {
        ...this.#headers,
        'content-type': 'application/x-ndjson',
        'idempotency-key': this.#idempotencyKey(messages[0]!, body),
      },
      signal: AbortSignal.timeout(this.#timeout_ms),
    });
    return refusedBy(response, await response.text());
  }

  /** Equal where the same messages are sent again; not where equal ones are, nor where only some of them are. */
  #idempotencyKey(first: Message, body: Buffer): string {
    const batch = this.#batch_ids.get(first) ?? randomUUID();
    this.#batch_ids.set(first, batch);
    return `${batch}.${createHash('sha256').update(body).digest('hex').slice(0, 16)}`;
  }

  async close(): Promise<void> {}
}

function endpoint(url: string, path: string): URL {
  try {
    return new URL(path, url.endsWith('/') ? url : `${url}/`);
  } catch (cause) {
    throw new ErrataError('E_PUBLISH', `"${url}" is no URL`, {
      cause,
      hint: 'as in https://errata.example.com',
    });
  }
}

/** Throws for what is to be sent again: all but the ingest's own word that it was taken or refused. */
function refusedBy(response: Response, body: string): Refused[] {
  const { status } = response;
  const refused = refusalsIn(body);
  if (refused && (status === 202 || (status === 400 && refused.length > 0))) return refused;
  if (status === 413) throw new ErrataError('E_TOO_LARGE', `the ingest does not take requests of this size`);
  throw new ErrataError(
    'E_PUBLISH',
    `the ingest answered ${status}${elsewhere(response)}: ${body.slice(0, 200)}`,
    {
      hint: 'is this the URL of an ingest? It says 202 and how many it has accepted',
    },
  );
}

/** Where a redirect leads, without what may be secret. */
function elsewhere({ headers }: Response): string {
  const location = headers.get('location');
  return location === null ? '' : ` (go to ${location.split(/[?#]/, 1)[0]})`;
}

interface Answer {
  accepted?: unknown;
  errors?: { index?: unknown; message?: unknown }[];
}

/** Null where it is not the ingest that has answered. */
function refusalsIn(body: string): Refused[] | null {
  const answer = answerIn(body);
  if (!Number.isInteger(answer?.accepted) || !Array.isArray(answer?.errors)) return null;
  return answer.errors.flatMap(({ index, message }) =>
    typeof index === 'number' ? [{ index, reason: String(message) }] : [],
  );
}

function answerIn(body: string): Answer | null {
  try {
    return JSON.parse(body) as Answer | null;
  } catch {
    // A proxy may have answered.
    return null;
  }
}
