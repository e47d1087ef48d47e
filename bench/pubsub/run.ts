/**
 * How many messages a second the bridge carries between Google's Pub/Sub fake and the embedded broker, and what each costs: in, from a
 * subscription to its topic behind the de-duplication; out, from a topic to Pub/Sub. The fake is no Pub/Sub: it hands out some hundred
 * messages a second. So Google's client alone is measured beside; where both are equal, the fake is what was measured, and the
 * CPU time is what remains to be said of errata.
 */
import { join } from 'node:path';
import { program } from 'commander';
import { goTool } from '../../test/harness/go_tool.ts';
import { freePort } from '../../test/harness/kafka_node.ts';
import { PROJECT, startPubsubFake } from '../../test/harness/pubsub_fake.ts';
import { whole } from '../options.ts';
import { startNode } from '../processes.ts';
import { makeFolder, removeFolder } from '../temporary.ts';
import { cpuSeconds } from '../usage.ts';
import { arrivingIn, clientOf, drain, type Load, perSecond, produce, publish } from './ways.ts';

const flags = program
  .option('--in <number>', 'messages from Pub/Sub', whole, 2_000)
  .option('--out <number>', 'records to Pub/Sub', whole, 60_000)
  .option('--bytes <number>', 'of each', whole, 310)
  .option('--keys <number>', 'ordering keys; 0: none', whole, 100)
  .parse()
  .opts<{ in: number; out: number; bytes: number; keys: number }>();
const incoming: Load = { ...flags, messages: flags.in };
const outgoing: Load = { ...flags, messages: flags.out };

const found = goTool('pubsub_fake');
if ('missing' in found) throw new Error(found.missing);
const endings: (() => unknown)[] = [];
const fake = await startPubsubFake(found.binary, { after: (end) => void endings.push(end as () => unknown) });
const pubsub = fake.client();
const enableMessageOrdering = flags.keys > 0;
for (const name of ['in', 'alone', 'out', 'alone-out']) await pubsub.createTopic(name);
await pubsub.topic('in').createSubscription('in-sub', { enableMessageOrdering });
await pubsub.topic('alone').createSubscription('alone-sub', { enableMessageOrdering });

const admin_port = await freePort();
const root = join(import.meta.dirname, '../..');
const folder = makeFolder('pubsub');
const command = ['run', join(root, 'bench/topologies/pubsub.yaml'), '--data', folder];
const options = ['--admin-port', String(admin_port), '--kafka-port', '0', '--log-level', 'warn'];
const errata = await startNode(
  [join(root, 'cli/errata.ts'), ...command, ...options],
  /embedded broker on (\S+),[\s\S]*topology bridge on/,
  { ...fake.env, GOOGLE_CLOUD_PROJECT: PROJECT, KAFKA_BROKERS: '' },
);
const kafka = clientOf(errata.said);

await publish(pubsub, 'alone', incoming);
const alone_in = await drain(pubsub, 'alone-sub', incoming.messages);
let cpu_s = cpuSeconds(errata.pid);
const arriving = arrivingIn(kafka, 'mails', incoming.messages);
await publish(pubsub, 'in', incoming);
const errata_in = await arriving;
const cpu_in_s = cpuSeconds(errata.pid) - cpu_s;

const alone_out = await publish(pubsub, 'alone-out', outgoing);
cpu_s = cpuSeconds(errata.pid);
const begun_ms = performance.now();
await produce(kafka, 'outgoing', outgoing);
while ((await written()) < outgoing.messages) await new Promise((resolve) => setTimeout(resolve, 50));
const errata_out = perSecond(outgoing.messages, begun_ms);
const cpu_out_s = cpuSeconds(errata.pid) - cpu_s;

const stand = (await fake.messages('out')).map(({ data }) => String(data));
if (stand.length !== outgoing.messages || new Set(stand).size !== outgoing.messages)
  throw new Error(
    `${outgoing.messages} records went out, ${new Set(stand).size} stand there, ${stand.length} with repetitions`,
  );

/** By the ledger, which is told twice a second. */
async function written(): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${admin_port}/topologies/bridge/ledger`);
  const { sinks } = (await response.json()) as {
    sinks: Record<string, { dispositions: { written?: number } }>;
  };
  return sinks['copies.out']?.dispositions.written ?? 0;
}

const row = (way: string, per_s: number, alone_per_s: number, cost_s: number, messages: number) =>
  `| ${way} | ${Math.round(per_s)} | ${Math.round(alone_per_s)} | ${((1e3 * cost_s) / messages).toFixed(2)} |`;
console.log(`messages of ${flags.bytes} bytes, ${flags.keys} ordering keys\n`);
console.log(
  '| way | errata, messages/s | Google’s client alone | CPU ms per message, with the broker |\n|---|---:|---:|---:|',
);
console.log(row('Pub/Sub → topic', errata_in, alone_in, cpu_in_s, incoming.messages));
console.log(row('topic → Pub/Sub', errata_out, alone_out, cpu_out_s, outgoing.messages));

await errata.stop();
await pubsub.close();
for (const end of endings) await end();
removeFolder(folder);
// Google's client keeps timers for a while.
process.exit();
