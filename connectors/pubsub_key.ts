/** By what the messages of a subscription are keyed in Kafka, and with it which order is kept. */
import { type Static, Type } from 'typebox';
import type { MessageFields } from './pubsub_headers.ts';

export const PubsubKey = Type.Union(
  [
    Type.Literal('ordering_key'),
    Type.Object(
      { attribute: Type.String({ minLength: 1, description: 'name of the attribute' }) },
      { additionalProperties: false },
    ),
    Type.Object(
      {
        path: Type.String({
          minLength: 1,
          examples: ['user.id'],
          description: 'the field, with dots between names',
        }),
      },
      { additionalProperties: false },
    ),
  ],
  {
    default: 'ordering_key',
    description:
      "the Kafka key: the message's ordering key, an attribute (`{ attribute: tenant }`), or a field of its JSON (`{ path: user.id }`). A message without it has no key, and no order",
  },
);
export type PubsubKey = Static<typeof PubsubKey>;

/** Null where the message has no such thing. */
export function keyOf(rule: PubsubKey, message: MessageFields, data: Buffer): string | null {
  if (rule === 'ordering_key') return message.ordering_key === '' ? null : message.ordering_key;
  if ('attribute' in rule) return message.attributes[rule.attribute] ?? null;
  return fieldOf(data, rule.path.split('.'));
}

function fieldOf(data: Buffer, path: readonly string[]): string | null {
  let found: unknown;
  try {
    found = JSON.parse(data.toString('utf8'));
  } catch {
    return null;
  }
  for (const name of path) found = isObject(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  return typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean'
    ? String(found)
    : null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Which order is kept. `ordered`: whether the subscription is made with message ordering, if that is said. */
export function orderKept(rule: PubsubKey, ordered = true): string {
  if (!ordered)
    return 'no order is kept: Pub/Sub delivers the messages of one ordering key in any order where the subscription has message ordering off';
  if (rule === 'ordering_key')
    return 'the order of the ordering keys is kept if the subscription has message ordering on; a message without one has no order';
  const by = 'attribute' in rule ? `attribute "${rule.attribute}"` : `field "${rule.path}"`;
  return `the order of Pub/Sub's ordering keys is kept only among messages of one ${by}: those of one ordering key may overtake each other where it differs, and a message without it has no key and no order`;
}
