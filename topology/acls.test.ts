import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeAcls } from './acls.ts';
import { lint } from './lint.ts';
import { makePlan } from './plan.ts';
import { soundTopology } from './testing.ts';

const plan = makePlan(lint(soundTopology(), 'topology.yaml', {}).graph!);
const commands = describeAcls(plan, { principal: 'User:me', brokers: 'kafka-1:9092' })
  .replaceAll(' \\\n ', '')
  .split('\n')
  .filter((line) => line.startsWith('kafka-acls.sh'));
const [running, creating] = [commands.slice(0, -1), commands.at(-1)!];

test('each topic gets the rights of what is done with it, and no topic twice', () => {
  const rightsOn = (topic: string) => {
    const granting = running.filter((command) => `${command} `.includes(`--topic ${topic} `));
    assert.equal(granting.length, 1, topic);
    return [...granting[0]!.matchAll(/--operation (\w+)/g)].map(([, operation]) => operation);
  };
  assert.deepEqual(rightsOn('in.predictions'), ['Read']);
  assert.deepEqual(rightsOn('out.alerts'), ['Write']);
  assert.deepEqual(rightsOn('triage.dead-letter'), ['Write']);
  assert.deepEqual(rightsOn('errata.triage.capture.changelog'), ['Read', 'Write']);
  assert.deepEqual(rightsOn('errata.triage.capture.outcomes'), ['Read', 'Write']);
  for (const { name } of plan.topics) {
    rightsOn(name);
    assert.ok(`${creating} `.includes(`--topic ${name} `));
  }
});

test('transactions are named by what all ids begin with; at least once needs none', () => {
  const transactional = running.filter((command) => command.includes('--transactional-id'));
  assert.equal(transactional.length, 1);
  assert.match(
    transactional[0]!,
    /--operation Write --transactional-id errata\.triage\. --resource-pattern-type prefixed/,
  );
  const loose = describeAcls(
    { ...plan, guarantee: 'at_least_once' },
    { principal: 'User:me', brokers: null },
  );
  assert.doesNotMatch(loose, /transactional-id/);
  assert.match(loose, /--bootstrap-server "\$KAFKA_BROKERS"/);
});
