/** Google's fake as the other side of the contract suite. */
import type { TestContext } from 'node:test';
import type { TSchema } from 'typebox';
import { SINK_KINDS, SOURCE_KINDS } from '../../connectors/catalogue.ts';
import { fillDefaults } from '../../topology/defaults.ts';
import { strictSchema } from '../../topology/strict_schema.ts';
import type { SinkSubject, SourceSubject } from '../connectors/contract_subjects.ts';
import { PROJECT, type PubsubFake, withPubsubFake } from '../harness/pubsub_fake.ts';

const MAX_MESSAGES = 20;

export async function pubsubSource(t: TestContext): Promise<SourceSubject | null> {
  const fake = await fakeFor(t);
  if (!fake) return null;
  const [topic] = await fake.client().createTopic('in');
  await topic.createSubscription('in-sub');
  return {
    config: withDefaults(SOURCE_KINDS.get('pubsub')!.config, {
      subscription: 'in-sub',
      project: PROJECT,
      max_messages: MAX_MESSAGES,
      quiet: '1s',
    }),
    send: async (indices) => {
      const texts = indices.map((index) => `message-${index}`);
      await Promise.all(texts.map((text) => topic.publishMessage({ data: Buffer.from(text) })));
    },
    acknowledged: async () => (await fake.messages('in')).filter(({ acks }) => acks > 0).length,
    down: () => fake.setDown(true),
    up: () => fake.setDown(false),
    // Each of Google's streams may have delivered some more when they are told to pause.
    most_in_flight: 2 * MAX_MESSAGES,
  };
}

export async function pubsubSink(t: TestContext): Promise<SinkSubject | null> {
  const fake = await fakeFor(t);
  if (!fake) return null;
  await fake.client().createTopic('out');
  return {
    config: withDefaults(SINK_KINDS.get('pubsub')!.config, { topic: 'out', project: PROJECT }),
    value: (index) => Buffer.from(`message-${index}`),
    refused: Buffer.alloc(10_000_001),
    written: async () => {
      const texts = (await fake.messages('out')).map(({ data }) => String(data));
      return [...new Set(texts)].map((text) => Number(text.replace('message-', '')));
    },
    down: () => fake.setDown(true),
    up: () => fake.setDown(false),
    secret: 'it has none',
  };
}

function withDefaults(schema: TSchema, given: object): unknown {
  return fillDefaults(strictSchema(schema), given);
}

async function fakeFor(t: TestContext): Promise<PubsubFake | undefined> {
  const fake = await withPubsubFake(t);
  if (fake) Object.assign(process.env, fake.env);
  return fake;
}
