/** What the Pub/Sub connectors need there, for `errata provision`. */
import { type Static, Type } from 'typebox';
import { parseDuration } from '../messages/duration.ts';
import type { PubsubTopic, Resource } from './provision/resource.ts';
import { PubsubResource } from './pubsub_client.ts';

export const Provision = Type.Object(
  {
    topic: PubsubResource('topics', 'the topic that it is a subscription of, in its project'),
    ordered: Type.Boolean({ default: true, description: 'messages of one ordering key come in their order' }),
    exactly_once: Type.Boolean({
      default: false,
      description: 'what is acknowledged is not delivered again',
    }),
    dead_letter: Type.Optional(
      Type.Object(
        {
          topic: PubsubResource('topics', 'a topic of its own'),
          max_attempts: Type.Integer({
            minimum: 5,
            maximum: 100,
            default: 5,
            description: 'how often that is',
          }),
        },
        {
          additionalProperties: false,
          description: 'where messages go that were delivered in vain too often; default: nowhere',
        },
      ),
    ),
  },
  {
    additionalProperties: false,
    description: 'how `errata provision` makes the subscription; without it, it must exist',
  },
);
export type Provision = Static<typeof Provision>;

interface SourceSettings {
  subscription: string;
  project?: string;
  ack_deadline: string;
  provision?: Provision;
}

/** Topics first: a subscription is of one. */
export function sourceResources({
  subscription,
  project,
  ack_deadline,
  provision,
}: SourceSettings): Resource[] {
  const { project: own, name } = parts(subscription, project);
  const topic = provision ? topicOf(provision.topic, own) : null;
  const dead = provision?.dead_letter;
  const dead_topic = dead ? topicOf(dead.topic, own) : null;
  return [
    ...(topic ? [topic] : []),
    ...(dead_topic ? [dead_topic] : []),
    {
      type: 'pubsub_subscription',
      project: own,
      name,
      topic: topic?.name ?? null,
      ordering: provision?.ordered ?? null,
      exactly_once: provision?.exactly_once ?? null,
      ack_deadline_s: provision ? Math.round(parseDuration(ack_deadline) / 1000) : null,
      dead_letter: dead && dead_topic ? { topic: dead_topic.name, max_attempts: dead.max_attempts } : null,
    },
  ];
}

export function sinkResources({ topic, project }: { topic: string; project?: string }): Resource[] {
  return [topicOf(topic, project ?? null)];
}

function topicOf(text: string, project: string | null): PubsubTopic {
  return { type: 'pubsub_topic', ...parts(text, project ?? undefined) };
}

/** A full name brings its own project. */
function parts(text: string, project: string | undefined): { project: string | null; name: string } {
  const [, own, name] = /^projects\/([^/]+)\/[^/]+\/(.+)$/.exec(text) ?? [];
  return { project: own ?? project ?? null, name: name ?? text };
}
