/**
 * Headers of Kafka are a list of names with bytes; within errata they are texts by name. What that cannot say gets a name of its own, and
 * is what it was again when errata writes it to Kafka: a value that is not UTF-8 stands in base64 under `errata.base64.NAME`; of several
 * headers of one name the last has it, as Kafka's clients take it, and the ones before `errata.repeated.0.NAME` and so on. A null value is an
 * empty text.
 */
import { isUtf8 } from 'node:buffer';

export const BASE64 = 'errata.base64.';
export const REPEATED = 'errata.repeated.';
const NUMBER = /^\d+\./;
/** Names that would not come back as they are. */
const MARKED = /^errata\.(base64|repeated)\./;

export function textHeaders(headers: readonly (readonly [string, Buffer | null])[]): Record<string, string> {
  const last = new Map(headers.map(([name], index) => [name, index]));
  const before = new Map<string, number>();
  return Object.fromEntries(
    headers.map(([name, value], index) => {
      const [text_name, text] = textOf(name, value);
      if (last.get(name) === index) return [text_name, text];
      const number = before.get(name) ?? 0;
      before.set(name, number + 1);
      return [`${REPEATED}${number}.${text_name}`, text];
    }),
  );
}

function textOf(name: string, value: Buffer | null): [name: string, text: string] {
  if (value === null) return [name, ''];
  if (isUtf8(value) && !MARKED.test(name)) return [name, value.toString('utf8')];
  return [BASE64 + name, value.toString('base64')];
}

/** The opposite of `textHeaders`. */
export function kafkaHeaders(headers: Readonly<Record<string, string>>): [string, Buffer | string][] {
  return Object.entries(headers).map(([name, text]) => {
    if (!name.startsWith('errata.')) return [name, text];
    const own = name.startsWith(REPEATED) ? name.slice(REPEATED.length).replace(NUMBER, '') : name;
    return own.startsWith(BASE64) ? [own.slice(BASE64.length), Buffer.from(text, 'base64')] : [own, text];
  });
}
