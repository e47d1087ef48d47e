/** Which windows count what a capture actor emits. */
import type { Links } from './link.ts';

interface Named {
  name: string;
  kind: { kind: string } | null;
}

export function windowsBehind<Actor extends Named>(
  capture: string,
  { actors }: { actors: Actor[] },
  { edges }: Links,
): Actor[] {
  return actors.filter(
    ({ name, kind }) =>
      kind?.kind === 'window' && edges.some((edge) => edge.from === capture && edge.to === name),
  );
}
