/** A mistake in a topology file, and the collector that orders them and drops what was said before. */
import { PROBLEM_CODES, type ProblemCode } from './codes.ts';

export interface Problem {
  severity: 'error' | 'warning';
  code: ProblemCode;
  message: string;
  file: string;
  /** From 1. */
  line: number;
  /** From 1, in UTF-16 units. */
  column: number;
  /** The nearest valid name, where there is one near enough. */
  suggestion: string | null;
}

export interface Position {
  line: number;
  column: number;
}

export class Problems {
  readonly file: string;
  readonly #found = new Map<string, Problem>();

  constructor(file: string) {
    this.file = file;
  }

  report(
    code: ProblemCode,
    { line, column }: Position,
    message: string,
    suggestion: string | null = null,
  ): void {
    const id = `${line}:${column}:${code}:${message}`;
    if (this.#found.has(id)) return;
    const { severity } = PROBLEM_CODES[code];
    this.#found.set(id, { severity, code, message, file: this.file, line, column, suggestion });
  }

  /** By position. */
  list(): Problem[] {
    return [...this.#found.values()].sort((a, b) => a.line - b.line || a.column - b.column);
  }
}

export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some((problem) => problem.severity === 'error');
}

/** One line, in the form that editors and terminals make clickable. */
export function formatProblem(problem: Problem): string {
  const { file, line, column, severity, code, message, suggestion } = problem;
  const hint = suggestion === null ? '' : ` (did you mean "${suggestion}"?)`;
  return `${file}:${line}:${column}  ${severity}  ${code}  ${message}${hint}`;
}
