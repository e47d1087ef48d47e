/** Finds actors that feed each other in a circle. */
import { inputFor } from './connection.ts';
import type { Draft, DraftActor, Reference } from './draft.ts';

/**
 * References that close a circle. Of each circle those are meant that no input takes; where all fit, the last in the
 * file. What a rollout tells retraining is no circle: it goes through the log.
 */
export function cyclicReferences(draft: Draft): Set<Reference> {
  const references = draft.actors.flatMap((actor) =>
    actor.from
      .filter(({ node }) => !isBackEdge(draft, node, actor))
      .map((reference) => ({ reference, to: actor })),
  );
  const reaches = (start: string, goal: string): boolean => {
    const seen = new Set<string>();
    const open = [start];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (node === goal) return true;
      if (seen.has(node)) continue;
      seen.add(node);
      for (const { reference, to } of references) if (reference.node === node) open.push(to.name);
    }
    return false;
  };
  const inside = references.filter(({ reference, to }) => reaches(to.name, reference.node));
  const wrong = inside.filter(({ reference, to }) => !fits(draft, reference, to));
  const blamed = wrong.length > 0 ? wrong : inside.slice(-1);
  return new Set(blamed.map(({ reference }) => reference));
}

function isBackEdge(draft: Draft, node: string, actor: DraftActor): boolean {
  const from = draft.actors.find((known) => known.name === node)?.kind;
  return from?.kind === 'rollout' && actor.kind?.kind === 'retraining';
}

function fits(draft: Draft, { node, output }: Reference, to: DraftActor): boolean {
  const outputs = draft.actors.find((actor) => actor.name === node)?.kind?.outputs ?? {};
  const spec = outputs[output ?? Object.keys(outputs)[0] ?? ''];
  return spec !== undefined && to.kind !== null && inputFor(to.kind, spec.message) !== undefined;
}
