/** HashiCorp's configuration language, as far as resources need it. Source: HCL Native Syntax Specification, "Template Expressions". */

/** Text that is code, as against text that is a value. */
class Code {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Hcl = string | number | boolean | Code | readonly Hcl[] | { readonly [name: string]: Hcl };

/** As in `kafka_topic.alerts.partitions`. */
export function reference(text: string): Hcl {
  return new Code(text);
}

export function jsonEncode(value: Hcl): Hcl {
  return new Code(`jsonencode(${expression(value)})`);
}

export function attribute(name: string, value: Hcl): string {
  return `${name} = ${expression(value)}`;
}

/** One line, whatever stands in the text. */
export function comment(text: string): string {
  return `# ${text.replaceAll(/[\p{C}\u2028\u2029]+/gu, ' ')}`;
}

/** Null: nothing stands there. */
export function block(head: string, body: readonly (string | null)[]): string {
  const lines = body.filter((part) => part !== null).map((part) => indent(part));
  return [`${head} {`, ...lines, '}'].join('\n');
}

function expression(value: Hcl): string {
  if (value instanceof Code) return value.text;
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value))
    return bracketed(
      '[',
      value.map((item: Hcl) => `${expression(item)},`),
      ']',
    );
  const items = Object.entries(value).map(([name, item]) => `${key(name)} = ${expression(item)}`);
  return bracketed('{', items, '}');
}

function key(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_-]*$/.test(name) ? name : quoted(name);
}

function bracketed(open: string, lines: readonly string[], close: string): string {
  return lines.length === 0 ? `${open}${close}` : [open, ...lines.map(indent), close].join('\n');
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ');
}

const ESCAPES: Record<string, string> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function quoted(text: string): string {
  const escaped = text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must be escaped.
    .replaceAll(/["\\\u0000-\u001f\u007f\u2028\u2029]/g, (char) => ESCAPES[char] ?? unicode(char))
    // Where a template would begin, in which others would be called.
    .replaceAll(/[$%](?=\{)/g, '$&$&');
  return `"${escaped}"`;
}

function unicode(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
