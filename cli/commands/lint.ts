/** `errata lint`: everything that is wrong with topology files, before anything starts. */
import type { Command } from 'commander';
import { loadTopology } from '../../topology/load.ts';
import { formatProblem, hasErrors } from '../../topology/problem.ts';
import { summarize } from '../topology_file.ts';

export function addLint(program: Command): void {
  program
    .command('lint')
    .description('report every mistake in topology files, each at its line')
    .argument('<file...>', 'topology files (YAML)')
    .option('--json', 'one JSON array of problems')
    .action(lint);
}

function lint(files: string[], { json = false }: { json?: boolean }): void {
  const problems = files.flatMap((file) => loadTopology(file, process.env).problems);
  if (json) console.log(JSON.stringify(problems, null, 2));
  else {
    for (const problem of problems) console.log(formatProblem(problem));
    console.log(summarize(problems));
  }
  if (hasErrors(problems)) process.exitCode = 1;
}
