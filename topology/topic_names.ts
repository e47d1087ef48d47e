/** Names of the topics that a topology has for itself. */
import { internalName } from '../engine/plan.ts';

interface Named {
  namespace: string;
  topology: string;
}

export function deadLetterTopic({ topology }: Pick<Named, 'topology'>): string {
  return `${topology}.dead-letter`;
}

export function lateTopic({ topology }: Pick<Named, 'topology'>): string {
  return `${topology}.late`;
}

/** What all internal topics begin with. */
export function internalPrefix(named: Named): string {
  return internalName(named, '', '').slice(0, -1);
}
