/** What `errata provision` prints. */
import { kindOf, nameOf, type Resource } from '../../connectors/provision/resource.ts';
import type { Surveyed } from './survey.ts';

const MARKS: Record<Surveyed['standing']['is'], string> = {
  missing: '+ to make  ',
  made: '+ made     ',
  as_needed: '  as needed',
  different: '! differs  ',
  by_hand: '! by hand  ',
  unknown: '? not known',
};

/** One line, and one for each difference. */
export function describe({ resource, standing }: Surveyed): string {
  const line = `${MARKS[standing.is]}  ${kindOf(resource)} ${nameOf(resource)}`;
  if (standing.is === 'missing' || standing.is === 'made')
    return `${line}  ${settingsOf(resource).join('  ')}`.trimEnd();
  if (standing.is === 'as_needed') return line;
  if (standing.is === 'by_hand' || standing.is === 'unknown') return `${line}  ${standing.why}`;
  const differences = standing.differences.map(
    ({ of, needed, found }) => `               ${of}: needed ${needed}, found ${found}`,
  );
  return [line, ...differences].join('\n');
}

export function summarize(all: readonly Surveyed[]): string {
  const count = (is: Surveyed['standing']['is']) => all.filter(({ standing }) => standing.is === is).length;
  const parts = [
    [count('missing'), 'to make'],
    [count('made'), 'made'],
    [count('as_needed'), 'as needed'],
    [count('different'), 'different'],
    [count('by_hand'), 'to make by hand'],
    [count('unknown'), 'not known'],
  ] as const;
  const told = parts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`);
  const hint = count('different') > 0 ? '; what differs is left as it is' : '';
  return `${told.join(', ')}${hint}`;
}

function settingsOf(resource: Resource): string[] {
  switch (resource.type) {
    case 'kafka_topic': {
      const { partitions, replication, config } = resource;
      const count =
        'count' in partitions ? `partitions=${partitions.count}` : `partitions as ${partitions.like}`;
      const settings = Object.entries(config).map(([key, value]) => `${key}=${value}`);
      return [count, ...(replication === null ? [] : [`replication=${replication}`]), ...settings];
    }
    case 'pubsub_topic':
      return projectOf(resource.project);
    case 'pubsub_subscription': {
      const { topic, ordering, exactly_once, ack_deadline_s, dead_letter } = resource;
      return [
        `of ${topic}`,
        ...(ordering ? ['ordered'] : []),
        ...(exactly_once ? ['exactly once'] : []),
        ...(ack_deadline_s === null ? [] : [`ack_deadline=${ack_deadline_s}s`]),
        ...(dead_letter ? [`dead letters to ${dead_letter.topic} after ${dead_letter.max_attempts}`] : []),
      ];
    }
    case 'bigquery_dataset':
      return [
        ...projectOf(resource.project),
        ...(resource.location === null ? [] : [`location=${resource.location}`]),
      ];
    case 'bigquery_table':
      return resource.columns.map(({ name, type }) => `${name}:${type}`);
  }
}

function projectOf(project: string | null): string[] {
  return project === null ? [] : [`project=${project}`];
}
