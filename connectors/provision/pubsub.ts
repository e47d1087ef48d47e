/** Topics and subscriptions of Google Pub/Sub, as they are and as they are needed. */
import type { PubSub } from '@google-cloud/pubsub';
import { entryOf } from '../../messages/entry_of.ts';
import { openPubsub, pubsubHint, STATUS, statusOf } from '../pubsub_client.ts';
import { ANSWER_MAX_MS, Asking, serviceOf } from './answer.ts';
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
/** Not retried, for people wait for it: the command may be given again. */
const CALL = { timeout: ANSWER_MAX_MS, retry: null };
const ROLE = 'roles/pubsub.editor';

export class PubsubProvisioner implements Provisioner {
  readonly types = ['pubsub_topic', 'pubsub_subscription'] as const;
  readonly #clients = new Map<string | null, Promise<PubSub>>();
  readonly #asking = new Asking({
    ...serviceOf('Pub/Sub', 'pubsub.googleapis.com', [
      'PUBSUB_EMULATOR_HOST',
      process.env.PUBSUB_EMULATOR_HOST,
    ]),
    hintFor: (error) => pubsubHint(error, ROLE),
  });

  async examine(resource: Resource): Promise<Standing> {
    const needed = resource as PubsubTopic | PubsubSubscription;
    const client = await this.#client(needed.project);
    try {
      return await this.#asking.answerOf(() => lookAt(client, needed), isStatus(STATUS.NOT_FOUND));
    } catch (error) {
      if (isStatus(STATUS.NOT_FOUND)(error)) return { is: 'missing' };
      throw error;
    }
  }

  async make(resource: Resource): Promise<void> {
    const needed = resource as PubsubTopic | PubsubSubscription;
    const client = await this.#client(needed.project);
    const make = () =>
      needed.type === 'pubsub_topic'
        ? client.createTopic(needed.name, CALL)
        : createSubscription(client, needed);
    try {
      await this.#asking.answerOf<unknown>(make, isStatus(ALREADY_EXISTS));
    } catch (error) {
      if (!isStatus(ALREADY_EXISTS)(error)) throw error;
    }
  }

  async close(): Promise<void> {
    const closing = [...this.#clients.values()].map(async (client) => (await client).close());
    // What could not be opened was told when it was asked.
    await Promise.allSettled(closing);
  }

  #client(project: string | null): Promise<PubSub> {
    return entryOf(this.#clients, project, () => this.#open(project));
  }

  /** Signed in: a call without credentials makes Google's client throw where nobody can catch it. */
  async #open(project: string | null): Promise<PubSub> {
    const client = await openPubsub('', project ?? undefined);
    if (!process.env.PUBSUB_EMULATOR_HOST)
      await this.#asking.answerOf(
        () => client.auth.getClient(),
        () => false,
      );
    return client;
  }
}

function isStatus(status: number): (error: unknown) => boolean {
  return (error) => statusOf(error) === status;
}

async function lookAt(client: PubSub, needed: PubsubTopic | PubsubSubscription): Promise<Standing> {
  if (needed.type === 'pubsub_subscription') return standing(await inSubscription(client, needed));
  await client.topic(needed.name).getMetadata(CALL);
  return standing([]);
}

async function inSubscription(client: PubSub, needed: PubsubSubscription): Promise<Difference[]> {
  const [found] = await client.subscription(needed.name).getMetadata(CALL);
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
    gaxOpts: CALL,
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
