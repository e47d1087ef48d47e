/**
 * The webhook of one partition. Each record is posted until it is taken or refused: what passes is waited for here and not by
 * the engine, which would post those again that were taken.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from './backoff.ts';
import type { OpenSink, Refusal, SinkPorts, SinkRecord } from './connector.ts';
import { type SlackMessage, slackMessage } from './slack_message.ts';
import { post, type WebhookAnswer, type WebhookRequest } from './webhook_request.ts';

export interface WebhookOptions {
  /** Read for each request: they may be renewed. */
  url(): string;
  secret(): string | undefined;
  token(): string | undefined;
  format: 'json' | 'slack';
  timeout_ms: number;
  concurrency: number;
}

const BACKOFF = { first_ms: 200, most_ms: 30_000 };

export class WebhookSink implements OpenSink {
  readonly #options: WebhookOptions;
  readonly #ports: SinkPorts;
  /** Records that are waited with, and why. */
  readonly #waiting = new Map<SinkRecord, string>();

  constructor(options: WebhookOptions, ports: SinkPorts) {
    this.#options = options;
    this.#ports = ports;
  }

  async write(records: readonly SinkRecord[]): Promise<Refusal[]> {
    const refusals: Refusal[] = [];
    const by_key = Map.groupBy(records, ({ key }) => key?.toString('latin1') ?? null);
    const chains = [...by_key.values()].values();
    const runners = Array.from({ length: this.#options.concurrency }, async () => {
      for (const chain of chains)
        for (const record of chain) {
          const refusal = await this.#deliver(record);
          if (refusal) refusals.push(refusal);
        }
    });
    // All, so that nothing is posted any more once this rejects: the engine gives the batch again.
    const ended = await Promise.allSettled(runners);
    this.#waiting.clear();
    const failed = ended.find((end) => end.status === 'rejected');
    if (failed) throw failed.reason;
    return refusals;
  }

  health(): string | null {
    const [first] = this.#waiting.values();
    return first === undefined ? null : `webhook: ${first}; ${this.#waiting.size} wait`;
  }

  async close(): Promise<void> {
    this.#waiting.clear();
  }

  /** Rejects only where the task ends. */
  async #deliver(record: SinkRecord): Promise<Refusal | null> {
    const { signal } = this.#ports;
    const { id, body } = this.#messageOf(record);
    if (body === null)
      return { record, reason: { code: 'webhook_format', message: 'it has no JSON that could be posted' } };
    for (let attempt = 0; ; attempt++) {
      const answer = await this.#attempt(id, body);
      signal.throwIfAborted();
      if (answer.type !== 'passing') {
        this.#waiting.delete(record);
        return answer.type === 'taken'
          ? null
          : { record, reason: { code: 'webhook_refused', message: answer.message } };
      }
      const wait_ms = Math.max(backoffMs(attempt, BACKOFF), answer.after_ms ?? 0);
      this.#waiting.set(record, answer.message);
      if (attempt === 0) this.#ports.log.warn({ id, reason: answer.message }, 'webhook waits');
      await delay(wait_ms, undefined, { signal });
    }
  }

  async #attempt(id: string, body: Buffer): Promise<WebhookAnswer> {
    const secrets = this.#secrets();
    if ('missing' in secrets) return { type: 'passing', message: secrets.missing, after_ms: null };
    const signal = AbortSignal.any([this.#ports.signal, AbortSignal.timeout(this.#options.timeout_ms)]);
    const timestamp_s = Math.floor(Date.now() / 1000);
    return post({ ...secrets, id, body, timestamp_s }, signal);
  }

  /** While one is renewed its file may be empty. Waited for here, or what was taken of the batch would be posted again. */
  #secrets(): Pick<WebhookRequest, 'url' | 'secret' | 'token'> | { missing: string } {
    const { url, secret, token } = this.#options;
    try {
      return { url: url(), secret: secret(), token: token() };
    } catch (error) {
      return { missing: String(error) };
    }
  }

  #messageOf({ topic, partition, offset, value }: SinkRecord): { id: string; body: Buffer | null } {
    const parsed = parseObject(value);
    const id = typeof parsed?.id === 'string' ? parsed.id : `${topic}/${partition}/${offset}`;
    if (this.#options.format === 'json') return { id, body: value };
    const message: SlackMessage | null = parsed && slackMessage(parsed);
    return { id, body: message && Buffer.from(JSON.stringify(message)) };
  }
}

function parseObject(value: Buffer | null): Record<string, unknown> | null {
  try {
    const parsed: unknown = JSON.parse(value?.toString('utf8') ?? 'null');
    return typeof parsed === 'object' ? (parsed as Record<string, unknown> | null) : null;
  } catch {
    return null;
  }
}
