/** `errata provision export --terraform`, read by HashiCorp's own parser. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import type { KafkaTopic, PubsubSubscription, Resource } from '../../connectors/provision/resource.ts';
import { loadTopology } from '../../topology/load.ts';
import { terraformOf } from '../../topology/terraform.ts';
import { temporaryFolder } from '../harness/embedded.ts';
import { errataCommand } from '../harness/errata_command.ts';
import { withGoTool } from '../harness/go_tool.ts';

interface Block {
  type: string;
  labels: string[];
  attributes: Record<string, unknown>;
  blocks: Block[];
}

/** Undefined if the test is skipped for want of Go. */
function parserFor(t: TestContext): ((text: string) => Block[]) | undefined {
  const infra_tools = withGoTool(t, 'infra_tools');
  if (infra_tools === undefined) return undefined;
  const file = join(temporaryFolder(t), 'resources.tf');
  return (text) => {
    writeFileSync(file, text);
    const { status, stdout, stderr } = spawnSync(infra_tools, ['hcl', file], { encoding: 'utf8' });
    assert.equal(status, 0, `${stderr}\n${text}`);
    // Not with JSON.parse: that of V8 13.6 takes the key "\n" for "\\" once it has seen an object with "\\" at that place.
    return parse(stdout, { maxAliasCount: 0 }) as Block[];
  };
}

const resourcesIn = (blocks: Block[]) => blocks.filter(({ type }) => type === 'resource');

test('the topics of a topology stand in it, those that follow another by reference', async (t) => {
  const read = parserFor(t);
  if (!read) return;
  const file = 'config/topologies/feedback.yaml';
  const exported = await errataCommand(['provision', 'export', '--terraform', file]);
  assert.equal(exported.status, 0, exported.stderr);
  assert.equal((await errataCommand(['provision', 'export', '--terraform', file])).stdout, exported.stdout);
  const blocks = read(exported.stdout);
  const { plan } = loadTopology(file, {});
  assert.deepEqual(
    resourcesIn(blocks).map(({ attributes }) => attributes.name),
    plan!.topics.map(({ name }) => name),
  );
  const changelog = resourcesIn(blocks).find(({ attributes }) =>
    String(attributes.name).endsWith('.changelog'),
  )!;
  assert.match(
    JSON.stringify(changelog.attributes.partitions),
    /^{"reference":"kafka_topic\.\w+\.partitions"}$/,
  );
  assert.deepEqual(changelog.attributes.config, { 'cleanup.policy': 'compact' });
  assert.equal((await errataCommand(['provision', 'export', file])).status, 2);
});

const kafka_topic = (name: string, config: Record<string, string> = {}): KafkaTopic => ({
  type: 'kafka_topic',
  name,
  partitions: { count: 1, any: false },
  replication: 1,
  config,
});

test('whatever stands in names and settings comes out of it as it went in', (t) => {
  const read = parserFor(t);
  if (!read) return;
  const nasty = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom(
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is Terraform's.
      '${var.x}',
      '%{ if true }',
      '$${',
      '"',
      '\\',
      '\n',
      '\u0000',
      '${"',
      '$',
      '%%{',
      '*/',
      '#',
    ),
  );
  const text = fc.array(nasty, { maxLength: 4 }).map((parts) => parts.join(''));
  const config = fc.dictionary(text, text, { maxKeys: 4 });
  const property = fc.property(text, config, (name, settings) => {
    const [found] = resourcesIn(read(terraformOf('t', [kafka_topic(name, settings)])));
    // Terraform normalises all text.
    assert.equal(found!.attributes.name, name.normalize());
    const expected = Object.entries(settings).map(([key, value]) => [key.normalize(), value.normalize()]);
    assert.deepEqual(found!.attributes.config ?? {}, Object.fromEntries(expected));
  });
  fc.assert(property, { numRuns: 60 });
});

test('what is left out is said in a comment, out of which nothing gets', (t) => {
  const read = parserFor(t);
  if (!read) return;
  const name = 'a\nresource "x" "y" {}\r\u2028*/';
  const columns = [{ name, type: null, mode: 'NULLABLE' as const, also: 'writable' as const }];
  const table: Resource = { type: 'bigquery_table', project: null, dataset: 'd', name, columns };
  assert.deepEqual(resourcesIn(read(terraformOf('t', [table]))), []);
});

test('names that Terraform cannot tell apart get different labels', (t) => {
  const read = parserFor(t);
  if (!read) return;
  const topics = ['a.b', 'a_b', 'a b', '1a'].map((name) => kafka_topic(name));
  const follower: KafkaTopic = { ...kafka_topic('follower'), partitions: { like: 'a_b' } };
  const found = resourcesIn(read(terraformOf('t', [...topics, follower])));
  assert.deepEqual(
    found.map(({ labels }) => labels[1]),
    ['a_b', 'a_b_2', 'a_b_3', '_1a', 'follower'],
  );
  assert.deepEqual(found.at(-1)!.attributes.partitions, { reference: 'kafka_topic.a_b_2.partitions' });
});

test('subscriptions, data sets and tables refer to what they belong to', (t) => {
  const read = parserFor(t);
  if (!read) return;
  const project = 'mail';
  const subscription: PubsubSubscription = {
    type: 'pubsub_subscription',
    project,
    name: 'feedback-sub',
    topic: 'feedback',
    ordering: true,
    exactly_once: true,
    ack_deadline_s: 60,
    dead_letter: { topic: 'graveyard', max_attempts: 5 },
  };
  const columns = [{ name: 'window_start', type: 'TIMESTAMP', mode: 'REQUIRED' as const, also: [] }];
  const resources: Resource[] = [
    { type: 'pubsub_topic', project, name: 'feedback' },
    { type: 'pubsub_topic', project, name: 'graveyard' },
    subscription,
    { ...subscription, name: 'of-nobody-knows-what', topic: null },
    { type: 'bigquery_dataset', project, name: 'feedback_analysis', location: 'EU' },
    { type: 'bigquery_table', project, dataset: 'feedback_analysis', name: 'patterns', columns },
    {
      type: 'bigquery_table',
      project,
      dataset: 'feedback_analysis',
      name: 'anything',
      columns: [{ name: 'input', type: null, mode: 'NULLABLE', also: 'writable' }],
    },
  ];
  const text = terraformOf('t', resources);
  const blocks = read(text);
  assert.match(
    text,
    /^# Not here: google_pubsub_subscription of-nobody-knows-what, for nothing says of which topic it is\. To have it: .*`provision: \{ topic: … \}`/m,
  );
  assert.match(
    text,
    /^# Not here: google_bigquery_table feedback_analysis\.anything, for nothing says of which type input is\. To have it: .*`input: \{ from: …, type: … \}`/m,
  );
  assert.equal(resourcesIn(blocks).length, 5);
  assert.deepEqual(blocks[0]!.blocks[0]!.attributes, { google: { source: 'hashicorp/google' } });
  const [, , made, dataset, table] = resourcesIn(blocks);
  assert.deepEqual(made!.attributes, {
    project,
    name: 'feedback-sub',
    topic: { reference: 'google_pubsub_topic.feedback.id' },
    enable_message_ordering: true,
    enable_exactly_once_delivery: true,
    ack_deadline_seconds: 60,
  });
  assert.deepEqual(made!.blocks.at(-1)!.attributes, {
    dead_letter_topic: { reference: 'google_pubsub_topic.graveyard.id' },
    max_delivery_attempts: 5,
  });
  assert.equal(dataset!.attributes.location, 'EU');
  assert.deepEqual(table!.labels, ['google_bigquery_table', 'feedback_analysis_patterns']);
  assert.deepEqual(table!.attributes.dataset_id, {
    reference: 'google_bigquery_dataset.feedback_analysis.dataset_id',
  });
  assert.deepEqual(JSON.parse(String(table!.attributes.schema)), [
    { name: 'window_start', type: 'TIMESTAMP', mode: 'REQUIRED' },
  ]);
});
