/** `errata graph`: the topology as a Mermaid flowchart. */
import type { Command } from 'commander';
import { mermaidOf } from '../../topology/mermaid.ts';
import { loadOrReport } from '../topology_file.ts';

export function addGraph(program: Command): void {
  program
    .command('graph')
    .description('print a Mermaid flowchart of a topology')
    .argument('<file>', 'topology file (YAML)')
    .action((file: string) => {
      const loaded = loadOrReport(file);
      if (loaded) process.stdout.write(mermaidOf(loaded.plan));
    });
}
