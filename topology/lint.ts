/** All checks over one topology text. What they find they find in one pass; none stops another. */
import { checkConnectors } from './check_connectors.ts';
import { checkKafka } from './check_kafka.ts';
import { checkNames, checkUnused } from './check_names.ts';
import { checkRetraining } from './check_retraining.ts';
import { checkTopics } from './check_topics.ts';
import { checkWindows } from './check_windows.ts';
import { type Draft, readDraft } from './draft.ts';
import type { Environment } from './environment.ts';
import { type Links, link } from './link.ts';
import { parseSource } from './parse.ts';
import { hasErrors, type Problem, Problems } from './problem.ts';
import { checkSecrets } from './secret.ts';

export interface Linted {
  problems: Problem[];
  /** Null where there are errors. */
  graph: Graph | null;
}

/** A topology without errors: all entries validated, defaults filled in, references resolved. */
export interface Graph extends Draft, Links {
  /** The file that it stands in: paths in it are relative to this. */
  file: string;
}

export function lint(text: string, file: string, env: Environment): Linted {
  const problems = new Problems(file);
  const document = parseSource(text, env, problems);
  // What follows a syntax error is guesswork of the parser's.
  if (problems.list().some(({ code }) => code === 'E_YAML'))
    return { problems: problems.list(), graph: null };
  const context = { document, problems };
  const draft = readDraft(context);
  const links = link(draft, context);
  checkSecrets(document, problems);
  checkKafka(draft.settings.kafka, context);
  checkNames(draft, context);
  checkTopics(draft, links, context);
  checkWindows(draft, links, context);
  checkRetraining(draft, links, context);
  checkConnectors(draft, links, context);
  checkUnused(draft, context);
  const found = problems.list();
  return { problems: found, graph: hasErrors(found) ? null : { ...draft, ...links, file } };
}
