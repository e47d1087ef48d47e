/** The console tools of Apache Kafka 4.1, which are the Java clients, against the embedded broker. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { embeddedBroker } from '../harness/embedded.ts';
import { kafkaJars } from '../harness/kafka_jars.ts';
import { runTool } from '../harness/run_tool.ts';

function java(jars: string, main: string, args: string[], input?: string): Promise<string> {
  return runTool('java', ['-XX:TieredStopAtLevel=1', '-cp', join(jars, '*'), main, ...args], input);
}

test('the Java tools create a topic, produce and consume in a group', async (t) => {
  const jars = kafkaJars();
  if ('missing' in jars) {
    if (process.env.CI === 'true') throw new Error(jars.missing);
    console.error(`SKIPPED: ${t.name}: ${jars.missing}`);
    return t.skip(jars.missing);
  }
  const { address } = await embeddedBroker(t);
  const tool = (name: string, args: string[], input?: string) =>
    java(jars.folder, `org.apache.kafka.tools.${name}`, ['--bootstrap-server', address, ...args], input);
  assert.match(
    await tool('TopicCommand', ['--create', '--topic', 'mails', '--partitions', '1']),
    /Created topic mails/,
  );
  await tool('ConsoleProducer', ['--topic', 'mails'], 'one\ntwo\nthree\n');
  const consumer = ['--topic', 'mails', '--from-beginning', '--max-messages', '3', '--group', 'readers'];
  assert.equal(await tool('consumer.ConsoleConsumer', consumer), 'one\ntwo\nthree\n');
  assert.match(
    await tool('consumer.group.ConsumerGroupCommand', ['--describe', '--group', 'readers']),
    /readers +mails +0 +3 +3 +0/,
  );
});
