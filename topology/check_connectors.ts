/** What a connector's kind says of its settings beyond their schema. */
import type { Finding } from '../connectors/connector.ts';
import type { Draft, LintContext } from './draft.ts';
import type { Links } from './link.ts';

export function checkConnectors(draft: Draft, { sink_edges }: Links, context: LintContext): void {
  for (const { path, connector } of [...draft.sources, ...draft.sinks])
    if (connector?.is_valid) checkFilled(connector.kind, [...path, connector.kind.kind], context);
  for (const { path, connector } of draft.sources)
    if (connector?.is_valid) {
      const { kind, config } = connector;
      report(kind.check?.(config) ?? [], [...path, kind.kind], context);
    }
  for (const { name, path, connector, start } of draft.sinks)
    for (const { message, output } of sink_edges.filter(({ to }) => to === name)) {
      if (start === 'latest' && output !== null)
        context.problems.report(
          'E_CONNECTOR',
          context.document.valueAt([...path, 'start']),
          'only a sink that takes straight from a source may start at the latest: what an actor emits has a topic of its own',
        );
      if (connector?.is_valid) {
        const { kind, config } = connector;
        report(kind.check?.(config, message) ?? [], [...path, kind.kind], context);
      }
    }
}

function checkFilled(
  { unfilled = [] }: { unfilled?: readonly string[] },
  path: readonly (string | number)[],
  { document, problems }: LintContext,
): void {
  const filled = new Set(document.filled.map((found) => JSON.stringify(found)));
  for (const name of unfilled)
    if (filled.has(JSON.stringify([...path, name])))
      problems.report(
        'E_SECRET',
        document.valueAt([...path, name]),
        `"${name}" is filled in from the environment, and plans would show it: name the variable by "${name}_env", or a file by "${name}_file"`,
      );
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
