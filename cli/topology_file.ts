/** Topology files as the commands take them. */
import type { Plan } from '../engine/plan.ts';
import type { Graph } from '../topology/lint.ts';
import { loadTopology } from '../topology/load.ts';
import { formatProblem, type Problem } from '../topology/problem.ts';

export interface UsableTopology {
  topology: Graph;
  plan: Plan;
}

/** Prints what is wrong to stderr. Null, with exit status 1, where the file has errors. */
export function loadOrReport(file: string): UsableTopology | null {
  const { problems, topology, plan } = loadTopology(file, process.env);
  for (const problem of problems) console.error(formatProblem(problem));
  if (topology && plan) return { topology, plan };
  console.error(summarize(problems));
  process.exitCode = 1;
  return null;
}

export function summarize(problems: readonly Problem[]): string {
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  return `${plural(errors, 'error')}, ${plural(problems.length - errors, 'warning')}`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
