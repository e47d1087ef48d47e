/** A topology file, from its text to its plan. */
import { readFileSync } from 'node:fs';
import type { Plan } from '../engine/plan.ts';
import { errorMessage } from '../messages/errata_error.ts';
import type { Environment } from './environment.ts';
import { type Graph, lint } from './lint.ts';
import { makePlan } from './plan.ts';
import { type Problem, Problems } from './problem.ts';

export interface Loaded {
  /** By position; warnings too. */
  problems: Problem[];
  /** Null where there are errors, as is `plan`. */
  topology: Graph | null;
  plan: Plan | null;
}

/** Never throws on what is wrong with the file. */
export function loadTopology(file: string, env: Environment): Loaded {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const problems = new Problems(file);
    problems.report('E_FILE', { line: 1, column: 1 }, errorMessage(error));
    return { problems: problems.list(), topology: null, plan: null };
  }
  const { problems, graph } = lint(text, file, env);
  return { problems, topology: graph, plan: graph && makePlan(graph) };
}
