/** For tests of what talks to Kafka: a cluster of one broker that answers as the test says. */
import { Reader, Writer } from '../wire/primitives.ts';
import type { ApiSchema } from './broker_exchange.ts';
import type { Cluster, Coordinator } from './kafka.ts';

type Handler = (body: Buffer, version: number) => Buffer | Promise<Buffer>;

/** Answers requests by their API key, in order of arrival. What `leaders` lists are the partitions of every topic. */
export class FakeCluster implements Cluster {
  leaders = [1, 1, 1, 1];
  metadata_asked = 0;
  readonly #handlers = new Map<number, Handler>();

  /** The handler may throw: the connection is cut. */
  answer<Request, Response>(
    api: ApiSchema<Request, Response>,
    handle: (request: Request) => Response | Promise<Response>,
  ): void {
    this.#handlers.set(api.key, async (body, version) => {
      const writer = new Writer(256);
      const response = await handle(api.request.read(new Reader(body), version, false));
      api.response.write(writer, response, version, false);
      return writer.toBuffer();
    });
  }

  async connect(): Promise<void> {}
  async disconnect(): Promise<void> {}
  async addMultipleTargetTopics(): Promise<void> {}
  removeBroker(): void {}

  getNodeIds(): string[] {
    return ['1'];
  }

  async refreshMetadata(): Promise<void> {
    this.metadata_asked += 1;
  }

  findTopicPartitionMetadata(): { partitionId: number; leader: number }[] {
    return this.leaders.map((leader, partitionId) => ({ partitionId, leader }));
  }

  async fetchTopicsOffset(): Promise<never[]> {
    return [];
  }

  async findBroker(): Promise<Coordinator> {
    const nothing = async () => undefined;
    return {
      leaveGroup: nothing,
      connectionPool: {
        host: 'fake',
        port: 0,
        destroy: nothing,
        send: async ({ request, response }) => {
          await new Promise((resolve) => setImmediate(resolve));
          const { buffer } = await request.encode();
          const answer = this.#handlers.get(request.apiKey);
          if (!answer) throw new Error(`nothing answers ${request.apiName}`);
          return response.parse(await response.decode(await answer(buffer, request.apiVersion)));
        },
      },
    };
  }

  findGroupCoordinator(): Promise<Coordinator> {
    return this.findBroker();
  }
}
