/** Parses a YAML text into plain values whose source positions are remembered, with environment variables filled in. */
import { type Document, isAlias, isMap, isScalar, isSeq, type Node, parseDocument, type Scalar } from 'yaml';
import { type Path, SourceDocument } from './document.ts';
import {
  type Environment,
  hasMaskCharacter,
  type MaskedText,
  maskReferences,
  resolveReferences,
} from './environment.ts';
import type { Position, Problems } from './problem.ts';
import { isSecretName } from './secret.ts';

/** Never throws on what a person may write: syntax errors and missing variables are reported. */
export function parseSource(text: string, env: Environment, problems: Problems): SourceDocument {
  const masked = maskReferences(text);
  const yaml = parseDocument(masked.text, { prettyErrors: false });
  const at = positionsIn(text);
  if (hasMaskCharacter(text))
    problems.report('E_YAML', at(0), 'the text has private-use characters (U+E000 to U+F8FF)');
  for (const error of yaml.errors) {
    const code = error.code === 'DUPLICATE_KEY' ? 'E_DUPLICATE_KEY' : 'E_YAML';
    const what = code === 'E_DUPLICATE_KEY' ? 'this key stands here twice' : error.message;
    problems.report(code, at(error.pos[0]), what);
  }
  const document = new SourceDocument();
  new Reader(document, yaml, masked, env, problems, at).read();
  return document;
}

/** By counting newlines: the parser's own counter goes astray behind some syntax errors. */
function positionsIn(text: string): (offset: number) => Position {
  return (offset) => {
    const before = text.slice(0, offset);
    const line_start = before.lastIndexOf('\n') + 1;
    return { line: before.split('\n').length, column: before.length - line_start + 1 };
  };
}

/** More nodes than any topology has; a few nested aliases can stand for billions. */
const MAX_NODES = 20_000;

class Reader {
  readonly #document: SourceDocument;
  readonly #yaml: Document.Parsed;
  readonly #masked: MaskedText;
  readonly #env: Environment;
  readonly #problems: Problems;
  readonly #at: (offset: number) => Position;
  readonly #open = new Set<Node>();
  #nodes = 0;

  constructor(
    document: SourceDocument,
    yaml: Document.Parsed,
    masked: MaskedText,
    env: Environment,
    problems: Problems,
    at: (offset: number) => Position,
  ) {
    this.#document = document;
    this.#yaml = yaml;
    this.#masked = masked;
    this.#env = env;
    this.#problems = problems;
    this.#at = at;
  }

  read(): void {
    const { contents } = this.#yaml;
    const start = this.#position(contents);
    this.#document.remember([], { key: start, value: start });
    this.#document.value = this.#value(contents, []);
  }

  #position(node: Node | null): Position {
    return this.#at(node?.range?.[0] ?? 0);
  }

  #value(node: Node | null, path: Path): unknown {
    if (node === null) return null;
    const refused = this.#refusal(node);
    if (refused !== undefined) {
      this.#problems.report('E_YAML', this.#document.valueAt(path), refused);
      return null;
    }
    if (isScalar(node)) return this.#scalar(node, path);
    this.#open.add(node);
    const value = isAlias(node)
      ? this.#value(node.resolve(this.#yaml) ?? null, path)
      : this.#children(node, path);
    this.#open.delete(node);
    return value;
  }

  #refusal(node: Node): string | undefined {
    if (this.#open.has(node)) return 'an alias stands inside what it stands for';
    this.#nodes += 1;
    return this.#nodes > MAX_NODES ? `more than ${MAX_NODES} values` : undefined;
  }

  #children(node: Node, path: Path): unknown {
    if (isSeq(node))
      return node.items.map((item, index) => {
        const position = this.#position(item as Node | null);
        this.#document.remember([...path, index], { key: position, value: position });
        return this.#value(item as Node | null, [...path, index]);
      });
    const result: Record<string, unknown> = {};
    if (!isMap(node)) return result;
    for (const pair of node.items) {
      const key_node = pair.key as Node | null;
      const key = isScalar(key_node) ? String(this.#value(key_node, path)) : null;
      if (key === null || key === '__proto__') {
        this.#problems.report('E_YAML', this.#position(key_node), 'this cannot be a key');
        continue;
      }
      const child = [...path, key];
      const value_node = pair.value as Node | null;
      const key_position = this.#position(key_node);
      const has_text = value_node?.range != null && value_node.range[1] > value_node.range[0];
      this.#document.remember(child, {
        key: key_position,
        value: has_text ? this.#position(value_node) : key_position,
      });
      result[key] = this.#value(value_node, child);
    }
    return result;
  }

  #scalar(node: Scalar, path: Path): unknown {
    if (typeof node.value !== 'string') return node.value;
    const resolved = resolveReferences(node.value, this.#masked.references, this.#env);
    const start = this.#position(node);
    for (const { name, mask } of resolved.missing) {
      const position = this.#at(this.#masked.text.indexOf(mask, node.range?.[0] ?? 0));
      this.#problems.report('E_ENV_MISSING', position, `the environment variable ${name} is not set`);
    }
    const malformed = /(^|[^$])\$\{/.test(node.value);
    if (malformed)
      this.#problems.report(
        'E_ENV_SYNTAX',
        start,
        `write \${NAME} or \${NAME:-default}, or $\${NAME} for the text itself`,
      );
    if (malformed || resolved.missing.length > 0) this.#document.markUnresolved(path);
    if (resolved.changed) this.#document.filled.push(path);
    if (resolved.literal) this.#document.literals.push(path);
    const is_text = node.type !== 'PLAIN' || isSecretName(String(path.at(-1)));
    return resolved.changed && !is_text ? this.#plain(resolved.text) : resolved.text;
  }

  /** `partitions: ${PARTITIONS:-4}` is a number, as if the value stood there itself; a password of digits is none. */
  #plain(text: string): unknown {
    for (const tag of this.#yaml.schema.tags)
      if ('test' in tag && tag.test?.test(text) && tag.default === true) {
        const value = tag.resolve?.(text, () => {}, this.#yaml.options);
        return isScalar(value) ? value.value : value;
      }
    return text;
  }
}
