/** Each topic is read by one stage at most, and nothing is read that the topology writes itself. */
import { topicPath } from './connected.ts';
import type { Draft, DraftSink, DraftSource, LintContext } from './draft.ts';
import { isReadDirectly, joins } from './keyed.ts';
import type { Links } from './link.ts';
import { deadLetterTopic, internalPrefix, lateTopic } from './topic_names.ts';

export function checkTopics(draft: Draft, { edges }: Links, context: LintContext): void {
  checkNames(draft, context);
  checkPartitioning(draft, context);
  checkReaders(draft, context);
  const { document, problems } = context;
  checkKeys(draft, edges, context);
  for (const actor of draft.actors) {
    const direct = draft.sources.filter(
      (source) =>
        isReadDirectly(source, actor) &&
        edges.some((edge) => edge.from === source.name && edge.to === actor.name),
    );
    const [first, ...others] = direct;
    for (const other of others)
      if (first && partitionsOf(draft, other) !== partitionsOf(draft, first))
        problems.report(
          'E_PARTITIONS',
          document.valueAt([...topicPath(other).slice(0, -1), 'partitions']),
          `"${other.name}" has ${partitionsOf(draft, other)} partitions, "${first.name}" ${partitionsOf(draft, first)}; both feed "${actor.name}" directly`,
        );
  }
}

function partitionsOf(draft: Draft, { value }: DraftSource): number {
  return value.kafka?.partitions ?? draft.settings.partitions;
}

function checkNames(draft: Draft, { document, problems }: LintContext): void {
  const read = new Map<string, string>();
  const at = (entry: DraftSource | DraftSink) => document.valueAt(topicPath(entry));
  for (const source of draft.sources) {
    const topic = topicOf(source);
    if (topic === undefined) continue;
    const other = read.get(topic);
    if (other !== undefined)
      problems.report('E_TOPIC_SHARED', at(source), `"${other}" reads the topic "${topic}" already`);
    else if (isOwn(draft, topic))
      problems.report('E_TOPIC_LOOP', at(source), `"${topic}" is written by this topology itself`);
    else read.set(topic, source.name);
  }
  for (const sink of draft.sinks) {
    const topic = topicOf(sink);
    if (topic === undefined) continue;
    const reader = read.get(topic);
    if (reader !== undefined)
      problems.report('E_TOPIC_LOOP', at(sink), `"${topic}" is what the source "${reader}" reads`);
    else if (isOwn(draft, topic))
      problems.report('E_TOPIC_LOOP', at(sink), `"${topic}" is an internal topic of this topology`);
  }
}

function topicOf(entry: DraftSource | DraftSink): string | undefined {
  const topic: unknown = ('value' in entry ? entry.value.kafka : entry.kafka)?.topic;
  return typeof topic === 'string' ? topic : undefined;
}

function isOwn({ settings }: Draft, topic: string): boolean {
  const own = [deadLetterTopic(settings), lateTopic(settings)];
  return own.includes(topic) || topic.startsWith(internalPrefix(settings));
}

function checkPartitioning(draft: Draft, { document, problems }: LintContext): void {
  for (const { path, value } of draft.sources) {
    const { key, partitioner } = value;
    if ((key === undefined) === (partitioner === undefined)) continue;
    const [there, missing] = key === undefined ? ['partitioner', 'key'] : ['key', 'partitioner'];
    const message = `"${there}" says nothing without "${missing}"; without both, the source is re-keyed`;
    problems.report('E_KEY_PARTITIONER', document.keyAt([...path, there]), message);
  }
}

function checkKeys(draft: Draft, edges: Links['edges'], { document, problems }: LintContext): void {
  for (const { name, path, value } of draft.sources) {
    const reader = draft.actors.find((actor) =>
      edges.some(({ from, to }) => from === name && to === actor.name),
    );
    if (value.key !== 'deployment_id' || !reader || !joins(reader)) continue;
    const message = `"${reader.name}" joins by prediction_id, and "${name}" is keyed by deployment_id; say \`join: none\` there, or leave the key out here`;
    problems.report('E_KEY_JOIN', document.valueAt([...path, 'key']), message);
  }
}

/** By reference, not by edge: a reader that does not fit is a mistake of its own. */
function checkReaders(draft: Draft, { document, problems }: LintContext): void {
  for (const source of draft.sources) {
    const [first, ...others] = draft.actors.filter((actor) =>
      actor.from.some(({ node }) => node === source.name),
    );
    for (const other of others) {
      const reference = other.from.find(({ node }) => node === source.name)!;
      if (other.kind && !Object.values(other.kind.inputs).includes('source_record')) continue;
      const message = `"${source.name}" is read by "${first!.name}" already; let one actor read it`;
      problems.report('E_SOURCE_SHARED', document.valueAt(reference.path), message);
    }
  }
}
