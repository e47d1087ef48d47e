/** Carries messages from a web page to the ingest: in batches, again and again while the page lives, at last as a beacon. */
import { sendBeacon } from './page.ts';

export interface PageOutboxOptions {
  url: string;
  token: string | undefined;
  linger_ms: number;
  max_buffered: number;
}

/** `captured` is the sum of the others and what still waits. */
export interface PageOutboxStats {
  captured: number;
  /** The ingest has taken it. */
  published: number;
  /** Handed to the browser when the page was left: nobody hears what becomes of it. */
  left_behind: number;
  /** The buffer was full. */
  dropped: number;
  /** The ingest has refused it. */
  failed: number;
  last_problem: string | undefined;
}

/** Of all requests that may outlive the page: browsers take 64 KiB. */
export const MAX_BATCH_BYTES = 60_000;
const FIRST_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 30_000;
/** Answers after which the same request may be taken: too slow, too early, too many. */
const PASSING = [408, 425, 429];

interface Entry {
  json: string;
  size_bytes: number;
}

export class PageOutbox {
  readonly #options: PageOutboxOptions;
  readonly #waiting: Entry[] = [];
  #running: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #backoff_ms = 0;
  readonly stats: PageOutboxStats = {
    captured: 0,
    published: 0,
    left_behind: 0,
    dropped: 0,
    failed: 0,
    last_problem: undefined,
  };

  constructor(options: PageOutboxOptions) {
    this.#options = options;
  }

  add(entry: Entry): void {
    this.stats.captured++;
    if (this.#waiting.length >= this.#options.max_buffered) {
      this.#count('dropped', 1, 'the buffer is full');
      return;
    }
    this.#waiting.push(entry);
    this.#schedule();
  }

  /** Sends what is there. Resolves when it is answered, or waits to be sent again. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      this.#schedule();
    });
    return this.#running;
  }

  /** Hands what is there to the browser. What it does not take stays, as the page may come back. */
  leave(): void {
    while (this.#waiting.length > 0) {
      const batch = this.#take();
      if (!this.#handOver(bodyOf(batch))) {
        this.#waiting.unshift(...batch);
        return;
      }
      this.stats.left_behind += batch.length;
    }
  }

  #handOver(body: string): boolean {
    const { url, token } = this.#options;
    if (token === undefined) return sendBeacon(url, body);
    // Beacons have no headers.
    this.#post(body).catch(() => undefined);
    return true;
  }

  #schedule(): void {
    if (this.#running || this.#waiting.length === 0) return;
    this.#timer ??= setTimeout(() => this.flush(), this.#backoff_ms || this.#options.linger_ms);
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#take();
      const problem = await this.#deliver(batch);
      if (problem === undefined) continue;
      this.stats.last_problem = problem;
      this.#waiting.unshift(...batch);
      this.#backoff_ms = Math.min(2 * this.#backoff_ms || FIRST_BACKOFF_MS, MAX_BACKOFF_MS);
      return;
    }
    this.#backoff_ms = 0;
  }

  #take(): Entry[] {
    let bytes = 0;
    const end = this.#waiting.findIndex(({ size_bytes }) => {
      bytes += size_bytes + 1;
      return bytes > MAX_BATCH_BYTES;
    });
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : end);
  }

  /** Why it has to be sent again, if it has to. */
  async #deliver(batch: Entry[]): Promise<string | undefined> {
    try {
      const response = await this.#post(bodyOf(batch));
      const { status } = response;
      const { accepted, errors = [] } = await answerIn(response);
      const is_taken = status === 202 && Number.isInteger(accepted);
      const problem = `the ingest answered ${status}`;
      if (!is_taken && !isRefusal(status)) return problem;
      const failed = is_taken ? errors.length : batch.length;
      this.stats.published += batch.length - failed;
      if (failed > 0) this.#count('failed', failed, errors[0]?.message ?? problem);
      return undefined;
    } catch (thrown) {
      return String(thrown);
    }
  }

  #post(body: string): Promise<Response> {
    const { url, token } = this.#options;
    const headers = { 'content-type': 'application/json' };
    return fetch(url, {
      method: 'POST',
      keepalive: true,
      // Where it leads, nobody may take it: a login page answers 200.
      redirect: 'error',
      body,
      headers: token === undefined ? headers : { ...headers, authorization: `Bearer ${token}` },
    });
  }

  #count(outcome: 'dropped' | 'failed', count: number, problem: string): void {
    this.stats[outcome] += count;
    this.stats.last_problem = problem;
  }
}

function bodyOf(batch: Entry[]): string {
  return `[${batch.map(({ json }) => json).join()}]`;
}

function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && !PASSING.includes(status);
}

interface Answer {
  accepted?: unknown;
  /** Why single messages were refused. */
  errors?: { message: string }[];
}

/** Empty where it is not the ingest that has answered. */
async function answerIn(response: Response): Promise<Answer> {
  const answer = (await response.json().catch(() => null)) as Answer | null;
  return answer && Array.isArray(answer.errors) ? answer : {};
}
