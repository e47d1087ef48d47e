/** Topics and subscriptions of Google Pub/Sub, as they are and as they are needed. */
import type { PubSub } from '@google-cloud/pubsub';
import { openPubsub, STATUS, statusOf } from '../pubsub_client.ts';
import {
  type Difference,
  difference,
  type Provisioner,
  type PubsubSubscription,
  type PubsubTopic,
  type Resource,
  type Standing,
  standing,
} from './resource.ts';

const ALREADY_EXISTS = 6;

export class PubsubProvisioner implements Provisioner {
  readonly types = ['pubsub_topic', 'pubsub_subscription'] as const;
  readonly #clients = new Map<string | null, Promise<PubSub>>();

  async examine(resource: Resource): Promise<Standing> {
    const needed = resource as PubsubTopic | PubsubSubscription;
    const client = await this.#client(needed.project);
    try {
      if (needed.type === 'pubsub_subscription') return standing(await inSubscription(client, needed));
      await client.topic(needed.name).getMetadata();
      return standing([]);
    } catch (error) {
      if (statusOf(error) === STATUS.NOT_FOUND) return { is: 'missing' };
      throw error;
    }
  }

  async make(resource: Resource): Promise<void> {
    const needed = resource as PubsubTopic | PubsubSubscription;
    const client = await this.#client(needed.project);
    try {
      if (needed.type === 'pubsub_topic') await client.createTopic(needed.name);
      else await createSubscription(client, needed);
    } catch (error) {
      if (statusOf(error) !== ALREADY_EXISTS) throw error;
    }
  }

  async close(): Promise<void> {
    for (const client of this.#clients.values()) await (await client).close();
  }

  #client(project: string | null): Promise<PubSub> {
    const client = this.#clients.get(project) ?? openPubsub('', project ?? undefined);
    this.#clients.set(project, client);
    return client;
  }
}

async function inSubscription(client: PubSub, needed: PubsubSubscription): Promise<Difference[]> {
  const [found] = await client.subscription(needed.name).getMetadata();
  const { topic, ordering, exactly_once, ack_deadline_s, dead_letter } = needed;
  const policy = found.deadLetterPolicy;
  return [
    ...asNeeded('topic', topic, shortName(found.topic)),
    ...asNeeded('ordering', ordering, found.enableMessageOrdering ?? false),
    ...asNeeded('exactly once', exactly_once, found.enableExactlyOnceDelivery ?? false),
    ...asNeeded('ack deadline in s', ack_deadline_s, found.ackDeadlineSeconds),
    ...asNeeded('dead letter topic', dead_letter?.topic ?? null, shortName(policy?.deadLetterTopic)),
    ...asNeeded('dead letter attempts', dead_letter?.max_attempts ?? null, policy?.maxDeliveryAttempts),
  ];
}

function asNeeded(of: string, needed: unknown, found: unknown): Difference[] {
  return needed === null ? [] : difference(of, needed, found ?? 'none');
}

function shortName(full: string | null | undefined): string | undefined {
  return full?.split('/').at(-1);
}

async function createSubscription(client: PubSub, needed: PubsubSubscription): Promise<void> {
  const { name, topic, ordering, exactly_once, ack_deadline_s, dead_letter } = needed;
  await client.topic(topic!).createSubscription(name, {
    enableMessageOrdering: ordering ?? false,
    enableExactlyOnceDelivery: exactly_once ?? false,
    ...(ack_deadline_s === null ? {} : { ackDeadlineSeconds: ack_deadline_s }),
    // Without a time to live it does not go away after 31 days of silence.
    expirationPolicy: {},
    ...(dead_letter === null
      ? {}
      : {
          deadLetterPolicy: {
            deadLetterTopic: client.topic(dead_letter.topic).name,
            maxDeliveryAttempts: dead_letter.max_attempts,
          },
        }),
  });
}
