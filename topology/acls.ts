/** The rights that a plan needs, as commands for Kafka's own tool. */
import type { Plan } from '../engine/plan.ts';
import { type Right, rightsOf } from '../engine/rights.ts';

const RESOURCE_OPTION = { topic: '--topic', group: '--group', transactional_id: '--transactional-id' };

export interface AclOptions {
  /** As in `User:errata`. */
  principal: string;
  /** `host:port,…`; null: they are in KAFKA_BROKERS. */
  brokers: string | null;
}

export function describeAcls(plan: Plan, options: AclOptions): string {
  const running = commands(rightsOf(plan), options);
  const creating = commands(plan.topics.map(creation), options);
  return [
    `# what ${plan.topology} needs to run; Read and Write imply Describe`,
    ...running,
    '',
    '# only where it makes its topics itself; without these, make those of `errata plan` beforehand',
    ...creating,
    '',
  ].join('\n');
}

function creation({ name }: { name: string }): Right {
  return { resource: 'topic', pattern: 'literal', name, operations: ['Create'] };
}

/** One command for all resources of a kind on which the same is allowed. */
function commands(rights: readonly Right[], { principal, brokers }: AclOptions): string[] {
  const alike = ({ resource, pattern, operations }: Right) => [resource, pattern, ...operations].join();
  return [...Map.groupBy(rights, alike).values()].map((group) => {
    const { resource, pattern, operations } = group[0]!;
    return [
      `kafka-acls.sh --bootstrap-server ${brokers ?? '"$KAFKA_BROKERS"'} --command-config admin.properties --add`,
      `--allow-principal '${principal}'`,
      ...operations.map((operation) => `--operation ${operation}`),
      ...group.map(({ name }) => `${RESOURCE_OPTION[resource]} ${name}`),
      ...(pattern === 'prefixed' ? ['--resource-pattern-type prefixed'] : []),
    ].join(' \\\n  ');
  });
}
