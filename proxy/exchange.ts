/** One inference as it went through the proxy: all that its prediction event is made of. */
import type { IncomingHttpHeaders } from 'node:http';
import type { InferenceRoute } from './inference_route.ts';

/** How it ended. What is not `completed` was cut short: the body of the response is not whole. */
export type Ending = 'completed' | 'client_aborted' | 'upstream_failed' | 'timed_out';

export interface Exchange {
  route: InferenceRoute;
  prediction_id: string;
  /** When the request came, milliseconds since the epoch. */
  time_ms: number;
  /** From the request's head to the response's last byte. */
  latency_ms: number;
  ending: Ending;
  /** Undefined: the client was gone before there was one. */
  status: number | undefined;
  request: CapturedBody;
  response: CapturedBody;
  /** Other inferences under way when this one came. */
  in_flight: number;
}

export interface CapturedBody {
  headers: IncomingHttpHeaders;
  size_bytes: number;
  /** As on the wire; undefined: too large to be kept, or there was none. */
  bytes: Uint8Array<ArrayBuffer> | undefined;
}

export const NO_BODY: CapturedBody = { headers: {}, size_bytes: 0, bytes: undefined };

/** What it takes while it waits to be published. */
export function sizeOf({ request, response }: Exchange): number {
  return OTHER_BYTES + (request.bytes?.length ?? 0) + (response.bytes?.length ?? 0);
}

const OTHER_BYTES = 1_024;
