/** `errata plan`: what would run, stage by stage, and which topics it needs. */
import type { Command } from 'commander';
import { describePlan } from '../../topology/describe.ts';
import { loadOrReport } from '../topology_file.ts';

export function addPlan(program: Command): void {
  program
    .command('plan')
    .description('print the stages, actors and topics that a topology becomes')
    .argument('<file>', 'topology file (YAML)')
    .option('--json', 'the plan as the engine gets it')
    .action(plan);
}

function plan(file: string, { json = false }: { json?: boolean }): void {
  const loaded = loadOrReport(file);
  if (loaded)
    process.stdout.write(json ? `${JSON.stringify(loaded.plan, null, 2)}\n` : describePlan(loaded.plan));
}
