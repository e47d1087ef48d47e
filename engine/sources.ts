/** The sources of a plan, as its user named them. */
import { ErrataError } from '../messages/errata_error.ts';
import type { Plan } from './plan.ts';

/** Each once: a source that is re-keyed is an input of two stages. */
export function sourcesOf({ stages, sources = [] }: Plan): string[] {
  const named = stages.flatMap(({ inputs }) =>
    inputs.flatMap(({ codec }) => (codec.type === 'source' ? [codec.source] : [])),
  );
  return [...new Set([...sources.map(({ name }) => name), ...named])];
}

/** Throws E_UNKNOWN_SOURCE. */
export function checkSource(plan: Plan, source: string): void {
  const known = sourcesOf(plan);
  if (known.includes(source)) return;
  throw new ErrataError('E_UNKNOWN_SOURCE', `topology ${plan.topology} has no source "${source}"`, {
    hint: `it has ${known.join(', ')}`,
  });
}
