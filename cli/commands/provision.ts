/** `errata provision`: what a topology needs of Kafka and of what its connectors reach, shown, made, or written for Terraform. */
import type { Command } from 'commander';
import { needsOf } from '../../topology/needs.ts';
import { terraformOf } from '../../topology/terraform.ts';
import { brokersFrom, kafkaOf } from '../kafka_brokers.ts';
import { describe, summarize } from '../provision/report.ts';
import type { Surveyed } from '../provision/survey.ts';
import { loadOrReport, type UsableTopology } from '../topology_file.ts';

const LINGER_MS = 500;
const NEEDS_PEOPLE = new Set<Surveyed['standing']['is']>(['different', 'by_hand', 'unknown']);

interface Flags {
  json?: boolean;
}

export function addProvision(program: Command): void {
  const provision = program
    .command('provision')
    .description(
      'what a topology needs outside: topics, subscriptions, tables; nothing that exists is changed',
    );
  provision
    .command('plan')
    .description(
      'show what is missing and what differs; exit status 1 where something differs, cannot be made, or cannot be asked for',
    )
    .argument('<file>', 'topology file (YAML)')
    .option('--json', 'one JSON array of resources, each with its standing')
    .action((file: string, flags: Flags) => run(file, false, flags));
  provision
    .command('apply')
    .description('make what is missing; exit status 1 where something differs')
    .argument('<file>', 'topology file (YAML)')
    .option('--json', 'one JSON array of resources, each with its standing')
    .action((file: string, flags: Flags) => run(file, true, flags));
  provision
    .command('export')
    .description('print the resources as code for another tool; asks nobody')
    .argument('<file>', 'topology file (YAML)')
    .requiredOption('--terraform', 'as Terraform (providers Mongey/kafka and hashicorp/google)')
    .action(exportResources);
}

function exportResources(file: string): void {
  const loaded = loadOrReport(file);
  if (!loaded) return;
  const resources = needsOf(loaded.topology, loaded.plan);
  process.stdout.write(terraformOf(loaded.plan.topology, resources));
}

async function run(file: string, make: boolean, { json = false }: Flags): Promise<void> {
  const loaded = loadOrReport(file);
  if (!loaded) return;
  const all = await surveyed(loaded, make, (one) => {
    if (!json) console.log(describe(one));
  });
  console.log(json ? JSON.stringify(all, null, 2) : summarize(all));
  if (all.some(({ standing }) => NEEDS_PEOPLE.has(standing.is))) process.exitCode = 1;
}

async function surveyed(
  { topology, plan }: UsableTopology,
  make: boolean,
  tell: (one: Surveyed) => void,
): Promise<Surveyed[]> {
  const { openProvisioners } = await import('../provision/provisioners.ts');
  const { survey } = await import('../provision/survey.ts');
  const resources = needsOf(topology, plan);
  const provisioners = openProvisioners(resources, kafkaOf(topology, brokersFrom(process.env)));
  try {
    return await survey(resources, { provisioners, make, tell });
  } finally {
    for (const provisioner of provisioners) await provisioner.close();
    // A call that was given up may hold its connection, which must not hold the command.
    setTimeout(() => process.exit(), LINGER_MS).unref();
  }
}
