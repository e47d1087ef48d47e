/** Names that clash, and entries that nothing reads. */
import type { Draft, LintContext } from './draft.ts';
import { nearest } from './nearest.ts';

export function checkNames(draft: Draft, { document, problems }: LintContext): void {
  const sources = new Set(draft.sources.map(({ name }) => name));
  for (const { name, path } of draft.actors)
    if (sources.has(name))
      problems.report(
        'E_DUPLICATE_NAME',
        document.keyAt(path),
        `"${name}" is a source already; \`from\` could mean both`,
      );
}

/** A name that was only misspelt where it is used counts as used: that mistake is reported there. */
export function checkUnused(draft: Draft, { document, problems }: LintContext): void {
  const names = [...draft.sources, ...draft.actors].map(({ name }) => name);
  const used = new Set<string | null>();
  const references = [
    ...draft.actors.flatMap(({ name, from }) => from.filter(({ node }) => node !== name)),
    ...draft.sinks.flatMap(({ from }) => from),
  ];
  for (const { node } of references) used.add(names.includes(node) ? node : nearest(node, names));
  // What a connector brings in is in its topic, for whoever reads that.
  for (const { name, path, connector } of draft.sources)
    if (!used.has(name) && !connector)
      problems.report('W_UNUSED_SOURCE', document.keyAt(path), `no actor or sink reads "${name}"`);
  for (const { name, path } of draft.actors)
    if (!used.has(name))
      problems.report('W_UNUSED_ACTOR', document.keyAt(path), `nothing reads what "${name}" emits`);
}
