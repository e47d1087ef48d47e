/** `errata plan`: what would run, stage by stage, and what it needs of Kafka: topics and rights. */
import { type Command, Option } from 'commander';
import { describeAcls } from '../../topology/acls.ts';
import { describePlan } from '../../topology/describe.ts';
import { kafkaSettingsOf } from '../../topology/kafka_settings.ts';
import { loadOrReport, type UsableTopology } from '../topology_file.ts';

interface Flags {
  json?: boolean;
  acls?: boolean;
  principal: string;
}

export function addPlan(program: Command): void {
  program
    .command('plan')
    .description('print the stages, actors and topics that a topology becomes')
    .argument('<file>', 'topology file (YAML)')
    .option('--json', 'the plan as the engine gets it')
    .addOption(
      new Option('--acls', 'the rights on Kafka that it needs, as kafka-acls commands').conflicts('json'),
    )
    .option('--principal <principal>', 'of --acls: whose rights', 'User:errata')
    .action(plan);
}

function plan(file: string, { json = false, acls = false, principal }: Flags): void {
  const loaded = loadOrReport(file);
  if (!loaded) return;
  if (json) process.stdout.write(`${JSON.stringify(loaded.plan, null, 2)}\n`);
  else process.stdout.write(acls ? aclsOf(loaded, principal) : describePlan(loaded.plan));
}

function aclsOf({ topology, plan }: UsableTopology, principal: string): string {
  const { brokers } = kafkaSettingsOf(topology);
  return describeAcls(plan, { principal, brokers: brokers?.join(',') ?? null });
}
