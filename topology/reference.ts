// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is the topology's own syntax
/** The reference pages under docs/reference, written from the schemas, so that they cannot drift from the code. */
import type { TSchema } from 'typebox';
import type { ActorKind } from '../actors/actor.ts';
import { SINK_KINDS, SOURCE_KINDS } from '../connectors/catalogue.ts';
import { CONNECTOR_CODES } from '../connectors/codes.ts';
import type { SinkKind, SourceKind } from '../connectors/connector.ts';
import { ingestDocument } from '../connectors/ingest/document.ts';
import { Alert, Assessment } from '../messages/assessment.ts';
import { Evaluation } from '../messages/evaluation.ts';
import { Feedback } from '../messages/feedback.ts';
import { Prediction } from '../messages/prediction.ts';
import { Rollout } from '../messages/rollout.ts';
import { TrainingJob } from '../messages/training_job.ts';
import { WindowResult } from '../messages/window.ts';
import { PROBLEM_CODES } from './codes.ts';
import { USER_KINDS } from './draft.ts';
import { settingsTable } from './reference_table.ts';
import { ConnectedSink, ConnectedSource, Sink, Source, Topology } from './schema.ts';

/** In the order in which data passes through them. */
const MESSAGES: readonly (TSchema & { title?: string })[] = [
  Prediction,
  Feedback,
  WindowResult,
  Assessment,
  Alert,
  TrainingJob,
  Evaluation,
  Rollout,
];

const NOTE = '<!-- Written by `npm run docs` from the schemas. Change those. -->';

/** Path below docs/reference → content. */
export async function referencePages(): Promise<Map<string, string>> {
  const pages = new Map([
    ['topology.md', topologyPage()],
    ['actors.md', actorsPage()],
    ['connectors.md', connectorsPage()],
    ['messages.md', messagesPage()],
    ['problems.md', problemsPage()],
    ['ingest.openapi.json', `${JSON.stringify(await ingestDocument(), null, 2)}\n`],
  ]);
  for (const schema of MESSAGES) pages.set(`schemas/${schema.title}.json`, jsonSchema(schema));
  return pages;
}

function topologyPage(): string {
  return page('Topology files', [
    'A topology says which sources are read, which actors work on them and where the results go. A value may be',
    'taken from the environment: `${NAME}`, or `${NAME:-default}`; `$${NAME}` stands for the text itself.',
    '`errata lint FILE` reports [every mistake](problems.md) at its line.',
    '',
    '## Settings',
    settingsTable(Topology),
    '## Each of `sources`',
    settingsTable(Source),
    'With a [connector](connectors.md) in the place of `kafka`, the topic stands beside it:',
    settingsTable(ConnectedSource),
    '## Each of `actors`',
    'Settings depend on the [kind of actor](actors.md).',
    '',
    '## Each of `sinks`',
    settingsTable(Sink),
    'With a [connector](connectors.md) in the place of `kafka`:',
    settingsTable(ConnectedSink),
  ]);
}

function actorsPage(): string {
  return page('Kinds of actor', [
    '`kind` is the name of the actor where it is not given. `from` names a source, an actor (its first output) or',
    '`actor.output`, or a list of these.',
    '',
    ...USER_KINDS.flatMap(actorSection),
  ]);
}

function actorSection({ kind, summary, example, partitioning, config, outputs }: ActorKind): string[] {
  return [
    `## ${kind}`,
    summary,
    '',
    '```yaml',
    example,
    '```',
    '',
    `Keyed by \`${partitioning}\`. Outputs:`,
    '',
    ...Object.entries(outputs).map(([name, spec]) => `- \`${name}\` (\`${spec.message}\`): ${spec.summary}`),
    settingsTable(config),
  ];
}

function connectorsPage(): string {
  return page('Connectors', [
    'What brings records into a Kafka topic from elsewhere (sources), and takes them elsewhere (sinks). Secrets are named by',
    '`…_env` or `…_file` and never stand in a topology; a file is relative to the topology.',
    '',
    '# Sources',
    '',
    ...[...SOURCE_KINDS.values()].flatMap((kind) => connectorSection(kind, sourceNote(kind))),
    '# Sinks',
    '',
    ...[...SINK_KINDS.values()].flatMap((kind) => connectorSection(kind, [])),
  ]);
}

function connectorSection(
  { kind, summary, example, config }: SourceKind | SinkKind,
  note: string[],
): string[] {
  return [`## ${kind}`, summary, '', '```yaml', example, '```', '', ...note, settingsTable(config)];
}

function sourceNote({ dedupe }: SourceKind): string[] {
  if (dedupe === null) return [];
  const note =
    dedupe === 'never'
      ? 'Repetitions pass; `dedupe: 1h` beside it remembers records for so long, and drops theirs.'
      : `Repetitions are dropped: \`dedupe: ${dedupe}\` beside it says how long records are remembered, \`never\` lets them pass.`;
  return [note, ''];
}

function messagesPage(): string {
  return page('Messages', [
    'JSON in Kafka topics. Fields that are not listed are let through. As JSON Schema: [schemas](schemas).',
    '',
    ...MESSAGES.flatMap((schema) => [`## ${schema.title}`, settingsTable(schema)]),
  ]);
}

function problemsPage(): string {
  const rows = Object.entries(PROBLEM_CODES).map(
    ([code, { severity, summary }]) => `| \`${code}\` | ${severity} | ${summary} |`,
  );
  return page('Problems', [
    '## What lint reports',
    'An error keeps a topology from starting (exit status 1), a warning does not.',
    '',
    '| code | severity | meaning |',
    '|---|---|---|',
    ...rows,
    '',
    '## What connectors report while they run',
    '`/ready` and the log say it, with the name of the source or sink. What may pass is waited for.',
    ...connectorCodes('running'),
    '## What the HTTP ingest answers',
    ...connectorCodes('ingest'),
    '## Why a record of a connector is a dead letter',
    'In the header `errata.code` of a [dead letter](../dead-letters.md).',
    ...connectorCodes('dead_letter'),
  ]);
}

function connectorCodes(told: keyof typeof CONNECTOR_CODES): string[] {
  const rows = Object.entries(CONNECTOR_CODES[told]).map(([code, summary]) => `| \`${code}\` | ${summary} |`);
  return ['', '| code | meaning |', '|---|---|', ...rows, ''];
}

function jsonSchema(schema: TSchema): string {
  const { $id: _, ...rest } = JSON.parse(JSON.stringify(schema)) as Record<string, unknown>;
  return `${JSON.stringify({ $schema: 'https://json-schema.org/draft/2020-12/schema', ...rest }, null, 2)}\n`;
}

function page(title: string, lines: readonly string[]): string {
  return `${[`# ${title}`, NOTE, '', ...lines].join('\n').trimEnd()}\n`;
}
