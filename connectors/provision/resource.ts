/**
 * What a topology needs of the systems around it, as far as it can be made beforehand: plain data, from which a plan is
 * told, missing parts are made, and Terraform is written.
 */
import { ErrataError } from '../../messages/errata_error.ts';

export type Resource = KafkaTopic | PubsubTopic | PubsubSubscription | BigqueryDataset | BigqueryTable;

export type ResourceType = Resource['type'];

export interface KafkaTopic {
  type: 'kafka_topic';
  name: string;
  /** `any`: however many it has; `count` is what it is made with. `like`: as many as another topic has, which comes before it. */
  partitions: { count: number; any: boolean } | { like: string };
  /** Null: what the brokers are set to. */
  replication: number | null;
  config: Record<string, string>;
}

export interface PubsubTopic {
  type: 'pubsub_topic';
  /** Null: that of the environment. */
  project: string | null;
  name: string;
}

export interface PubsubSubscription {
  type: 'pubsub_subscription';
  project: string | null;
  name: string;
  /** Of the same project. Null: it must exist, because nobody says of which topic it is. */
  topic: string | null;
  /** Null: either will do. */
  ordering: boolean | null;
  exactly_once: boolean | null;
  ack_deadline_s: number | null;
  dead_letter: { topic: string; max_attempts: number } | null;
}

export interface BigqueryDataset {
  type: 'bigquery_dataset';
  project: string | null;
  name: string;
  /** Null: BigQuery's default. */
  location: string | null;
}

export interface BigqueryTable {
  type: 'bigquery_table';
  project: string | null;
  dataset: string;
  name: string;
  columns: BigqueryColumn[];
}

export interface BigqueryColumn {
  name: string;
  /** Null: nothing says it. */
  type: string | null;
  mode: 'REQUIRED' | 'NULLABLE' | 'REPEATED';
  /** Types that will do as well where the table exists; `writable`: all that errata can write. */
  also: readonly string[] | 'writable';
}

/** How a resource stands. */
export type Standing =
  | { is: 'missing' }
  | { is: 'as_needed' }
  /** Nothing is changed about what exists: people decide. */
  | { is: 'different'; differences: Difference[] };

export interface Difference {
  /** As in `partitions` or `column rating`. */
  of: string;
  needed: string;
  found: string;
}

/** Looks at resources of some types, and makes them. Neither changes nor deletes what exists. */
export interface Provisioner {
  readonly types: readonly ResourceType[];
  examine(resource: Resource): Promise<Standing>;
  /** Only after `examine` has found that it is missing. What somebody else has made meanwhile is no error. */
  make(resource: Resource): Promise<void>;
  close(): Promise<void>;
}

export function standing(differences: Difference[]): Standing {
  return differences.length === 0 ? { is: 'as_needed' } : { is: 'different', differences };
}

/** None where they are the same. */
export function difference(of: string, needed: unknown, found: unknown): Difference[] {
  return String(needed) === String(found) ? [] : [{ of, needed: String(needed), found: String(found) }];
}

export function kindOf({ type }: Resource): string {
  return type.replaceAll('_', ' ');
}

/** How people name it. */
export function nameOf(resource: Resource): string {
  return resource.type === 'bigquery_table' ? `${resource.dataset}.${resource.name}` : resource.name;
}

/** Why nobody here can make it, and what helps; null: it can be made. */
export function obstacleTo(resource: Resource): { why: string; hint: string } | null {
  if (resource.type === 'pubsub_subscription' && resource.topic === null)
    return {
      why: 'nothing says of which topic it is',
      hint: 'make it by hand, or set `provision: { topic: … }` beside `subscription`',
    };
  if (resource.type !== 'bigquery_table') return null;
  const unknown = resource.columns.filter(({ type }) => type === null).map(({ name }) => name);
  if (unknown.length === 0) return null;
  return {
    why: `nothing says of which type ${unknown.join(', ')} ${unknown.length === 1 ? 'is' : 'are'}`,
    hint: `make it by hand, or say in its mapping \`${unknown[0]}: { from: …, type: … }\``,
  };
}

/** What two connectors need of one resource, as one. Throws E_PROVISION where both cannot be had. */
export function merged(one: Resource, other: Resource): Resource {
  if (one.type === 'bigquery_dataset' && other.type === 'bigquery_dataset') {
    const location = one.location ?? other.location;
    if (other.location !== null && other.location !== location)
      throw new ErrataError(
        'E_PROVISION',
        `data set ${one.name} cannot be in ${location} and in ${other.location}`,
        { hint: 'say one `location` in all sinks that write to it' },
      );
    return { ...one, location };
  }
  if (one.type === 'bigquery_table' && other.type === 'bigquery_table') {
    const known = new Set(one.columns.map(({ name }) => name.toLowerCase()));
    const more = other.columns.filter(({ name }) => !known.has(name.toLowerCase()));
    return { ...one, columns: [...one.columns, ...more] };
  }
  return other;
}
