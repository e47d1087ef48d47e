/** What a connector's kind says of its settings beyond their schema. */
import type { Finding } from '../connectors/connector.ts';
import type { Draft, LintContext } from './draft.ts';
import type { Links } from './link.ts';

export function checkConnectors(draft: Draft, { sink_edges }: Links, context: LintContext): void {
  for (const { path, connector } of draft.sources)
    if (connector?.is_valid) {
      const { kind, config } = connector;
      report(kind.check?.(config) ?? [], [...path, kind.kind], context);
    }
  for (const { name, path, connector } of draft.sinks)
    for (const { message } of sink_edges.filter(({ to }) => to === name))
      if (connector?.is_valid) {
        const { kind, config } = connector;
        report(kind.check?.(config, message) ?? [], [...path, kind.kind], context);
      }
}

function report(
  findings: readonly Finding[],
  path: readonly (string | number)[],
  { document, problems }: LintContext,
): void {
  for (const { code, at, message } of findings)
    problems.report(
      code,
      at.length === 0 ? document.keyAt(path) : document.valueAt([...path, ...at]),
      message,
    );
}
