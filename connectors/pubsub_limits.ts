/** What Pub/Sub takes (cloud.google.com/pubsub/quotas#resource_limits), told before it is asked. */

/** Of the data, the ordering key and all attributes of a message. */
const MESSAGE_MAX_BYTES = 10_000_000;
const ATTRIBUTES_MAX = 100;
const ATTRIBUTE_NAME_MAX_BYTES = 256;
const ATTRIBUTE_VALUE_MAX_BYTES = 1024;
const ORDERING_KEY_MAX_BYTES = 1024;

export interface OutgoingMessage {
  data: Buffer;
  attributes: Record<string, string>;
  /** Empty: none. */
  ordering_key: string;
}

/** Why Pub/Sub would not take the message, null if it does. */
export function refusalOf({ data, attributes, ordering_key }: OutgoingMessage): string | null {
  const entries = Object.entries(attributes);
  if (data.length === 0 && entries.length === 0) return 'it has neither data nor attributes';
  if (entries.length > ATTRIBUTES_MAX)
    return `it has ${entries.length} attributes, of ${ATTRIBUTES_MAX} at most`;
  const key_bytes = Buffer.byteLength(ordering_key);
  if (key_bytes > ORDERING_KEY_MAX_BYTES)
    return `its ordering key has ${key_bytes} bytes, of ${ORDERING_KEY_MAX_BYTES} at most`;
  let size_bytes = data.length + key_bytes;
  for (const [name, value] of entries) {
    const refusal = attributeRefusal(name, value);
    if (refusal !== null) return refusal;
    size_bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  return size_bytes > MESSAGE_MAX_BYTES
    ? `it has ${size_bytes} bytes with its attributes, of ${MESSAGE_MAX_BYTES} at most`
    : null;
}

function attributeRefusal(name: string, value: string): string | null {
  const shown = JSON.stringify(name.slice(0, 40));
  const [name_bytes, value_bytes] = [Buffer.byteLength(name), Buffer.byteLength(value)];
  if (name === '') return 'an attribute has no name';
  if (/^goog/i.test(name)) return `attribute ${shown}: names that begin with "goog" are Google's`;
  if (name_bytes > ATTRIBUTE_NAME_MAX_BYTES)
    return `the name of attribute ${shown}… has ${name_bytes} bytes, of ${ATTRIBUTE_NAME_MAX_BYTES} at most`;
  return value_bytes > ATTRIBUTE_VALUE_MAX_BYTES
    ? `attribute ${shown} has ${value_bytes} bytes, of ${ATTRIBUTE_VALUE_MAX_BYTES} at most`
    : null;
}
