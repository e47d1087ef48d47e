/** The values of a topology file, with the positions at which they stand. */
import type { Position } from './problem.ts';

export type Path = readonly (string | number)[];

/** Where an entry stands: its key (of a sequence: the item) and its value. */
interface Span {
  key: Position;
  value: Position;
}

export class SourceDocument {
  value: unknown;
  /** Paths of texts that stand, at least in part, in the file itself rather than in the environment. */
  readonly literals: Path[] = [];
  /** Paths of texts that stand, at least in part, in the environment. */
  readonly filled: Path[] = [];
  readonly #unresolved = new Set<string>();
  readonly #spans = new Map<string, Span>();

  remember(path: Path, span: Span): void {
    this.#spans.set(JSON.stringify(path), span);
  }

  /** What stands there depends on a variable that is missing: it cannot be judged. */
  markUnresolved(path: Path): void {
    this.#unresolved.add(JSON.stringify(path));
  }

  isUnresolved(path: Path): boolean {
    return this.#unresolved.has(JSON.stringify(path));
  }

  /** Where the name of an entry stands; of a list's item, the item. */
  keyAt(path: Path): Position {
    return this.#spanOf(path).key;
  }

  /** What does not stand in the file, such as a default, is reported at the name of what it belongs to. */
  valueAt(path: Path): Position {
    return this.#spans.get(JSON.stringify(path))?.value ?? this.keyAt(path);
  }

  #spanOf(path: Path): Span {
    for (let length = path.length; length >= 0; length--) {
      const span = this.#spans.get(JSON.stringify(path.slice(0, length)));
      if (span) return span;
    }
    const start = { line: 1, column: 1 };
    return { key: start, value: start };
  }
}
