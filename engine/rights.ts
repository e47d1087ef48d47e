/** What a plan may do on Kafka, and no more: derived from what it reads and writes. */
import type { Operation } from '../wire/authorized_operations.ts';
import { offsetsTopic, type Plan } from './plan.ts';

export interface Right {
  resource: 'topic' | 'group' | 'transactional_id';
  /** `prefixed`: all whose names begin so. */
  pattern: 'literal' | 'prefixed';
  name: string;
  /** Read and Write imply Describe. */
  operations: Operation[];
}

/** `transactional_id` of every task begins with this. */
export function transactionalPrefix({ namespace, topology }: Plan): string {
  return `${namespace}.${topology}.`;
}

export function rightsOf(plan: Plan): Right[] {
  const group: Right = { resource: 'group', pattern: 'literal', name: plan.group_id, operations: ['Read'] };
  const transactions: Right = {
    resource: 'transactional_id',
    pattern: 'prefixed',
    name: transactionalPrefix(plan),
    operations: ['Write'],
  };
  const topics = plan.topics.map(({ name }) => topicRight(plan, name));
  return [...topics, group, ...(plan.guarantee === 'exactly_once' ? [transactions] : [])];
}

function topicRight(plan: Plan, name: string): Right {
  const used = [
    ...(readTopics(plan).has(name) ? (['Read'] as const) : []),
    ...(writtenTopics(plan).has(name) ? (['Write'] as const) : []),
  ];
  return {
    resource: 'topic',
    pattern: 'literal',
    name,
    operations: used.length === 0 ? ['Describe'] : used,
  };
}

function readTopics({ stages, training }: Plan): Set<string> {
  const restored = stages.flatMap(({ inputs, changelog }) => [
    ...inputs.flatMap((input) => [input.topic, offsetsTopic(input)]),
    ...(changelog === undefined ? [] : [changelog]),
  ]);
  return new Set([...restored, ...(training ? [training.outcomes_topic] : [])]);
}

function writtenTopics({ stages, sources = [], training, dead_letter_topic, late_topic }: Plan): Set<string> {
  const targets = stages.flatMap(({ actors, changelog }) => [
    ...actors.flatMap(({ outputs }) => Object.values(outputs).flat()).flatMap(topicOf),
    ...(changelog === undefined ? [] : [changelog]),
  ]);
  return new Set([
    ...targets,
    ...sources.map(({ topic }) => topic),
    dead_letter_topic,
    late_topic,
    ...(training ? [training.evaluations_topic] : []),
  ]);
}

function topicOf(target: { to: 'topic'; topic: string } | { to: 'actor' }): string[] {
  return target.to === 'topic' ? [target.topic] : [];
}
