/** A client of the ingest that sends a record again until it is answered with 202, or the test ends. */
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

const AGAIN_MS = 50;

export class RepeatingSender {
  readonly #url: string;
  readonly #ending = new AbortController();
  acknowledged = 0;

  constructor(t: TestContext, url: string) {
    this.#url = url;
    t.after(() => this.#ending.abort());
  }

  send(record: object): void {
    void this.#send(JSON.stringify(record));
  }

  async #send(body: string): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      const status = await fetch(this.#url, { method: 'POST', body, signal }).then(
        (response) => response.status,
        () => 0,
      );
      if (status === 202) {
        this.acknowledged++;
        return;
      }
      await delay(AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
