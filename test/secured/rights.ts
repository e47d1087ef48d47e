/** With the rights that `errata plan --acls` prints a topology runs; without any one of them it says which is missing. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import kafkajs, { type AclEntry, type AclFilter, type Admin } from 'kafkajs';
import { pino } from 'pino';
import { checkRights } from '../../engine/check_rights.ts';
import { connectKafka, KAFKA_DEFAULTS, withAdmin } from '../../engine/kafka.ts';
import type { KafkaSettings } from '../../engine/kafka_settings.ts';
import { describeAcls } from '../../topology/acls.ts';
import { temporaryFolder } from '../harness/embedded.ts';
import { kafkaJars } from '../harness/kafka_jars.ts';
import { runTool } from '../harness/run_tool.ts';
import { RULED, type SecuredKafka } from '../harness/secured_kafka.ts';
import type { TopologyRun } from '../harness/topology_run.ts';
import { until } from '../harness/until.ts';
import { feedAndCheck, smallTopology } from './small_topology.ts';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

export async function rights(t: TestContext, kafka: SecuredKafka): Promise<void> {
  const access: KafkaSettings = {
    ...KAFKA_DEFAULTS,
    brokers: [kafka.sasl_ssl],
    client_id: 'errata',
    ssl: { ca_file: kafka.certificates.ca_file, certificate: null, server_name: null },
    sasl: { mechanism: 'scram-sha-256', username: RULED.username, password: { text: RULED.password } },
  };
  const run = await smallTopology(t, kafka, access);
  const printed = describeAcls(run.plan, { principal: `User:${RULED.username}`, brokers: kafka.plaintext });
  const commands = await asRun(t, printed);
  const running = commands.slice(0, -1);
  const creating = commands.at(-1)!;
  await withAdmin(run.kafka, async (admin) => {
    assert.match(await refusal(run), /^E_KAFKA_DENIED: .*Read on topic .*; .*Write on transactional id .*\*/);
    await withTool(t, running[0]!);
    for (const command of running.slice(1)) await grant(admin, command);
    await eachIsMissed(admin, run, access, running);
    assert.match(await refusal(run), /^E_KAFKA_DENIED: .*this process: Create on topic .*predictions \(/);
    await grant(admin, creating);
    await run.start();
    await feedAndCheck(run);
    await run.stop();
    await revoke(admin, creating);
    await run.start();
    await losesARight(admin, run, running);
  });
}

/** Topics that are there need no right to create. What is taken away under way is told, and stops the topology. */
async function losesARight(admin: Admin, run: TopologyRun, running: string[][]): Promise<void> {
  await revoke(admin, running.find((args) => args.includes(run.plan.dead_letter_topic))!);
  await run.produce('feedback', [{ value: 'not JSON' }]);
  const reason = () => run.processor.status().not_ready ?? '';
  await until(() => /^E_KAFKA_DENIED: /.test(reason()), 'it says what it may not do');
  assert.ok(reason().includes(`Write on topic ${run.plan.dead_letter_topic}`), reason());
}

async function eachIsMissed(
  admin: Admin,
  run: TopologyRun,
  access: KafkaSettings,
  running: string[][],
): Promise<void> {
  const ruled = connectKafka(access, pino({ level: 'silent' }));
  const missing = () => checkRights(ruled, run.plan).then(() => '', String);
  await until(async () => (await missing()) === '', 'all rights are granted');
  for (const command of running) {
    await revoke(admin, command);
    let said = '';
    await until(
      async () => {
        said = await missing();
        return said !== '';
      },
      `a missing right is noticed: ${command.join(' ')}`,
    );
    for (const { resourceName } of entries(command)) assert.ok(said.includes(resourceName), said);
    for (const operation of valuesOf(command, '--operation')) assert.ok(said.includes(operation), said);
    await grant(admin, command);
    await until(async () => (await missing()) === '', 'it is granted again');
  }
}

function refusal(run: TopologyRun): Promise<string> {
  return run.start().then(() => assert.fail('it starts'), String);
}

/** The arguments of each command as a shell passes them on. */
async function asRun(t: TestContext, script: string): Promise<string[][]> {
  const file = join(temporaryFolder(t), 'acls.sh');
  writeFileSync(file, `kafka-acls.sh() { printf '%s\\n' "$@" ''; }\n${script}`);
  const printed = await runTool('bash', ['-eu', file]);
  return printed
    .split('\n\n')
    .map((command) => command.trim().split('\n'))
    .filter(([first]) => first);
}

/** Kafka's own tool takes what is printed. */
async function withTool(t: TestContext, args: string[]): Promise<void> {
  const jars = kafkaJars();
  assert.ok('folder' in jars);
  const config = join(temporaryFolder(t), 'admin.properties');
  writeFileSync(config, '');
  const own = args.map((arg) => (arg === 'admin.properties' ? config : arg));
  const tool = [
    '-XX:TieredStopAtLevel=1',
    '-cp',
    join(jars.folder, '*'),
    'org.apache.kafka.tools.AclCommand',
  ];
  await runTool('java', [...tool, ...own]);
}

async function grant(admin: Admin, command: string[]): Promise<void> {
  await admin.createAcls({ acl: entries(command) });
}

async function revoke(admin: Admin, command: string[]): Promise<void> {
  await admin.deleteAcls({ filters: entries(command) as AclFilter[] });
}

function entries(command: string[]): AclEntry[] {
  const is_prefix = command.includes('prefixed');
  const resources = [
    ...valuesOf(command, '--topic').map((name) => [AclResourceTypes.TOPIC, name] as const),
    ...valuesOf(command, '--group').map((name) => [AclResourceTypes.GROUP, name] as const),
    ...valuesOf(command, '--transactional-id').map(
      (name) => [AclResourceTypes.TRANSACTIONAL_ID, name] as const,
    ),
  ];
  return resources.flatMap(([resourceType, resourceName]) =>
    valuesOf(command, '--operation').map((operation) => ({
      resourceType,
      resourceName,
      resourcePatternType: is_prefix ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
      principal: valuesOf(command, '--allow-principal')[0]!,
      host: '*',
      operation: AclOperationTypes[operation.toUpperCase() as keyof typeof AclOperationTypes],
      permissionType: AclPermissionTypes.ALLOW,
    })),
  );
}

function valuesOf(command: string[], option: string): string[] {
  return command.flatMap((arg, index) => (arg === option ? [command[index + 1]!] : []));
}
