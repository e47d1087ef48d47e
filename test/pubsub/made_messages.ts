/** Messages for the bridge: keys, attributes and bytes of every kind, the same ones for the same seed. */
import type { Topic } from '@google-cloud/pubsub';

export interface MadeMessage {
  data: Buffer;
  attributes: Record<string, string>;
  /** Empty: none. */
  ordering_key: string;
}

/** `keys` + 1 of them have no ordering key. Which message it is stands in attribute `n`. */
export function madeMessages(count: number, keys: number): MadeMessage[] {
  return Array.from({ length: count }, (_, n) => ({
    data: Buffer.from(Array.from({ length: 1 + ((n * 37) % 300) }, (_, at) => (n * 31 + at * 7) % 256)),
    attributes: { n: String(n), 'pubsub.message_id': `mine-${n}`, ...(n % 3 === 0 ? { ünï: '日本' } : {}) },
    ordering_key: n % (keys + 1) === keys ? '' : `key-${n % (keys + 1)}`,
  }));
}

/** In order; resolves with the id of each. */
export async function publishAll(topic: Topic, messages: readonly MadeMessage[]): Promise<string[]> {
  const published = messages.map(({ data, attributes, ordering_key }) =>
    topic.publishMessage({ data, attributes, ...(ordering_key === '' ? {} : { orderingKey: ordering_key }) }),
  );
  return Promise.all(published);
}
