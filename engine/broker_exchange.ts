/** One request over kafkajs's connection to a broker, in a version without flexible fields. */
import { Reader, Writer } from '../wire/primitives.ts';
import type { Codec } from '../wire/schema.ts';
import type { Cluster, ClusterBroker } from './kafka.ts';

/** One API of Kafka's protocol. */
export interface ApiSchema<Request, Response> {
  key: number;
  name: string;
  request: Codec<Request>;
  response: Codec<Response>;
}

export interface EncodedExchange<Response> {
  key: number;
  name: string;
  version: number;
  body: Buffer;
  decode(payload: Buffer): Response;
}

/** Rejects if the broker does not answer; the connection is then given up. */
export async function exchange<Response extends object>(
  cluster: Cluster,
  broker: ClusterBroker,
  { key, name, version, body, decode }: EncodedExchange<Response>,
): Promise<Response> {
  try {
    const response = await broker.connectionPool.send({
      request: {
        apiKey: key,
        apiVersion: version,
        apiName: name,
        encode: async () => ({ buf: body, buffer: body }),
        body,
      },
      response: { decode: async (payload) => decode(payload), parse: async (decoded) => decoded },
      logResponseError: false,
    });
    return response as Response;
  } catch (error) {
    // kafkajs would keep the dead connection in its pool.
    const { host, port } = broker.connectionPool;
    await broker.connectionPool.destroy().catch(() => undefined);
    cluster.removeBroker({ host, port });
    throw error;
  }
}

/** `memory`: what it is written to, where there is room. */
export function encoded<Request, Response>(
  { key, name, request, response }: ApiSchema<Request, Response>,
  version: number,
  message: Request,
  memory?: Buffer,
): EncodedExchange<Response> {
  const writer = new Writer(memory);
  request.write(writer, message, version, false);
  const decode = (payload: Buffer) => response.read(new Reader(payload), version, false);
  return { key, name, version, body: writer.toBuffer(), decode };
}
