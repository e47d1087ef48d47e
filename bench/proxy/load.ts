/** Inferences at a given rate, whatever has been answered; the time of each is counted from when it was sent. */
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { bodyOf } from '../../test/harness/model_server.ts';

export interface Load {
  url: string;
  body: string;
  rate: number;
  seconds: number;
}

const TICK_MS = 5;

/** Milliseconds of each, in the order of their answers. Throws where one was not answered with 200. */
export async function latencies({ url, body, rate, seconds }: Load): Promise<number[]> {
  const agent = new http.Agent({ keepAlive: true });
  const took_ms: number[] = [];
  const pending: Promise<void>[] = [];
  const begun_ms = performance.now();
  for (let sent = 0; sent < rate * seconds; ) {
    const due = Math.min(rate * seconds, ((performance.now() - begun_ms) / 1_000) * rate);
    for (; sent < due; sent++) pending.push(infer(url, body, agent).then((ms) => void took_ms.push(ms)));
    await delay(TICK_MS);
  }
  await Promise.all(pending);
  agent.destroy();
  return took_ms;
}

function infer(url: string, body: string, agent: http.Agent): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const begun_ms = performance.now();
  const request = http.request(url, { agent, method: 'POST', headers }, async (response) => {
    await bodyOf(response);
    if (response.statusCode === 200) resolve(performance.now() - begun_ms);
    else reject(new Error(`answered with ${response.statusCode}`));
  });
  request.once('error', reject);
  request.end(body);
  return promise;
}
