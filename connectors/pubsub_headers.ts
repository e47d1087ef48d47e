/**
 * How a Pub/Sub message stands in a Kafka record, and comes out of it again. Its data is the value, its publish time the
 * timestamp; the rest are headers: `pubsub.message_id`, `pubsub.publish_time`, `pubsub.ordering_key`, and each attribute under its own
 * name. An attribute whose name begins like a header of errata's gets `pubsub.attribute.` in front.
 */
import { isUtf8 } from 'node:buffer';

export const MESSAGE_ID = 'pubsub.message_id';
export const PUBLISH_TIME = 'pubsub.publish_time';
export const ORDERING_KEY = 'pubsub.ordering_key';
const ATTRIBUTE = 'pubsub.attribute.';
/** Headers whose value is no text, or which stand several times (engine/header_values.ts): they go out under just that name. */
const MARKED = /^errata\.(base64|repeated)\./;
/** Headers that begin so are errata's. */
const RESERVED = /^(pubsub\.|errata(\.|$))/;

/** What is kept of a message besides its data. */
export interface MessageFields {
  message_id: string;
  /** ISO 8601, as precise as Pub/Sub gave it. */
  publish_time: string;
  /** Empty: none. */
  ordering_key: string;
  attributes: Readonly<Record<string, string>>;
}

export function headersOf(message: MessageFields): Record<string, string> {
  const { message_id, publish_time, ordering_key, attributes } = message;
  const own = Object.entries(attributes).map(([name, value]) => [
    RESERVED.test(name) ? ATTRIBUTE + name : name,
    value,
  ]);
  return Object.fromEntries([
    ...own,
    [MESSAGE_ID, message_id],
    [PUBLISH_TIME, publish_time],
    ...(ordering_key === '' ? [] : [[ORDERING_KEY, ordering_key]]),
  ]);
}

/** The attributes that a record's headers are: those that it came with, where it came from Pub/Sub. */
export function attributesOf(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => {
      if (name.startsWith(ATTRIBUTE)) return [[name.slice(ATTRIBUTE.length), value]];
      return RESERVED.test(name) && !MARKED.test(name) ? [] : [[name, value]];
    }),
  );
}

/** That which it had on Pub/Sub; of other records their key, in base64 where it is no text. */
export function orderingKeyOf(headers: Readonly<Record<string, string>>, key: Buffer | null): string {
  if (headers[MESSAGE_ID] !== undefined) return headers[ORDERING_KEY] ?? '';
  if (key === null) return '';
  return key.toString(isUtf8(key) ? 'utf8' : 'base64');
}
