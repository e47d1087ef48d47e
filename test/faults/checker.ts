/**
 * Compares what a topology said with what it had to say. Exactly once:
 *
 * 1. Of each window the revisions are 0, 1, 2, … in the order of the log, each once, and the last one is the truth.
 * 2. A window whose events all came before any watermark passed its end is said once, and of one key in the order of time.
 * 3. Window results and assessments tell of the same revisions with the same counts, and the alerts are those that the published rule
 *    makes of the error rates in them.
 * 4. Each bad record is dead-lettered once, each late one told once, and nothing else is.
 * 5. The ledger is what the input makes it.
 *
 * At least once: no window counts less than the truth, nothing that was set aside is missing, and the ledger adds up.
 */
import type { Guarantee } from '../../engine/plan.ts';
import type { Alert, Assessment } from '../../messages/assessment.ts';
import type { WindowResult } from '../../messages/window.ts';
import { type RuledWindow, windowId } from '../e2e/published_rule.ts';
import type { Accounts, Expected } from './expected.ts';

/** The published rule's, of the error rate. */
const ALERT_ABOVE = 0.3;

/** Each list in the order of the log, within a partition. */
export interface Said {
  assessments: Assessment[];
  windows: WindowResult[];
  alerts: Alert[];
  dead_letters: Aside[];
  late: Aside[];
}

export interface Aside {
  position: string;
  code: string;
}

/** What is wrong, in words; empty if nothing is. */
export function differences(expected: Expected, said: Said, guarantee: Guarantee): string[] {
  return guarantee === 'exactly_once' ? exactlyOnce(expected, said) : atLeastOnce(expected, said);
}

function exactlyOnce(expected: Expected, said: Said): string[] {
  const told = byWindow(said.assessments);
  return [
    ...windowDifferences(expected, told),
    ...orderDifferences(expected, said.assessments),
    ...resultDifferences(told, said.windows),
    ...alertDifferences(told, byWindow(said.alerts)),
    ...asideDifferences('dead letter', expected.dead_letters, said.dead_letters, 1),
    ...asideDifferences('late record', expected.late, said.late, 1),
  ];
}

function atLeastOnce(expected: Expected, said: Said): string[] {
  const told = byWindow(said.assessments);
  const short = [...expected.windows].flatMap(([id, { total_events }]) => {
    const last = latest(told.get(id) ?? []);
    if (last && last.total_events >= total_events) return [];
    return [`window ${id} is lost: ${last?.total_events ?? 'nothing'} of ${total_events} events`];
  });
  return [
    ...short,
    ...asideDifferences('dead letter', expected.dead_letters, said.dead_letters, Number.POSITIVE_INFINITY),
    ...asideDifferences('late record', expected.late, said.late, Number.POSITIVE_INFINITY),
  ];
}

/** What the accounts of the ledger say differently. */
export function ledgerDifferences(expected: Accounts, said: Accounts): string[] {
  return [...new Set([...Object.keys(expected), ...Object.keys(said)])].flatMap((account) => {
    const counts = expected[account] ?? {};
    const found = said[account] ?? {};
    const names = new Set([...Object.keys(counts), ...Object.keys(found)]);
    return [...names]
      .filter((name) => (counts[name] ?? 0) !== (found[name] ?? 0))
      .map((name) => `ledger of ${account}: ${name} is ${found[name] ?? 0}, not ${counts[name] ?? 0}`);
  });
}

/** At least once: where records that were taken in have no disposition, or fewer were taken in than there are. */
export function ledgerGaps(expected: Accounts, said: Accounts): string[] {
  return Object.entries(expected).flatMap(([account, { taken_in }]) => {
    if (taken_in === undefined) return [];
    const { taken_in: found = 0, ...dispositions } = said[account] ?? {};
    const sum = Object.values(dispositions).reduce((total, count) => total + count, 0);
    return [
      ...(found < taken_in ? [`ledger of ${account}: ${found} of ${taken_in} were taken in`] : []),
      ...(sum === found ? [] : [`ledger of ${account}: ${found} were taken in, ${sum} have a disposition`]),
    ];
  });
}

function windowDifferences({ windows, on_time }: Expected, told: Map<string, Assessment[]>): string[] {
  const wrong: string[] = [];
  for (const id of new Set([...windows.keys(), ...told.keys()])) {
    const own = told.get(id) ?? [];
    const truth = windows.get(id);
    const revisions = own.map(({ revision }) => revision);
    if (revisions.some((revision, index) => revision !== index))
      wrong.push(`window ${id} is told in revisions ${revisions.join(', ')}`);
    const last = own.at(-1);
    if (truth && !last) wrong.push(`window ${id} is lost: nothing of ${truth.total_events} events`);
    else if (last && !isTruth(last, truth))
      wrong.push(`window ${id} is wrong: ${JSON.stringify(published(last))}, not ${JSON.stringify(truth)}`);
    if (on_time.has(id) && own.length > 1)
      wrong.push(
        `window ${id} closed too early: first ${own[0]!.total_events} events, then ${last!.total_events}`,
      );
  }
  return wrong;
}

/** Of one key, windows that are told once are told in the order of their time. */
function orderDifferences({ on_time }: Expected, assessments: readonly Assessment[]): string[] {
  const last = new Map<string, Assessment>();
  const wrong: string[] = [];
  for (const one of assessments) {
    const { deployment_id, model_version, window_start } = one;
    if (!on_time.has(windowId(deployment_id, model_version, window_start))) continue;
    const key = `${deployment_id}/${model_version}`;
    const before = last.get(key)?.window_start;
    if (before !== undefined && before > window_start)
      wrong.push(`windows of ${key} are out of order: ${before}, then ${window_start}`);
    last.set(key, one);
  }
  return wrong;
}

/** From a window all events may have been taken back again. */
function isTruth(last: Assessment, truth: RuledWindow | undefined): boolean {
  if (!truth) return last.total_events === 0;
  return canonical(published(last)) === canonical(truth);
}

function resultDifferences(told: Map<string, Assessment[]>, windows: readonly WindowResult[]): string[] {
  const judged = new Map(
    [...told].flatMap(([id, own]) =>
      own.map(({ revision, total_events }) => [`${id} #${revision}`, total_events]),
    ),
  );
  const wrong: string[] = [];
  for (const { key, window_start, revision, total_events } of windows) {
    const id = `${windowId(key.deployment_id!, key.model_version!, window_start)} #${revision}`;
    if (judged.get(id) !== total_events)
      wrong.push(`window ${id} says ${total_events} events, its assessment ${judged.get(id)}`);
    judged.delete(id);
  }
  return [...wrong, ...[...judged.keys()].map((id) => `window ${id} is assessed but not told`)];
}

/** An alert follows from each assessment that fires, and from the first one after it that does not. */
function alertDifferences(told: Map<string, Assessment[]>, alerts: Map<string, Alert[]>): string[] {
  const wrong: string[] = [];
  for (const id of new Set([...told.keys(), ...alerts.keys()])) {
    const due = dueAlerts(told.get(id) ?? []).join(', ');
    const found = (alerts.get(id) ?? []).map(alertLine).join(', ');
    if (due !== found) wrong.push(`alerts of ${id} are [${found}], not [${due}]`);
  }
  return wrong;
}

function dueAlerts(assessments: readonly Assessment[]): string[] {
  let stands = false;
  const due: string[] = [];
  for (const assessment of assessments) {
    const fires = assessment.error_rate > ALERT_ABOVE;
    if (fires || stands)
      due.push(alertLine({ ...assessment, kind: stands ? (fires ? 'correct' : 'resolve') : 'raise' }));
    stands = fires;
  }
  return due;
}

function alertLine({
  kind,
  revision,
  total_events,
  severity,
}: Pick<Alert, 'kind' | 'revision' | 'total_events' | 'severity'>): string {
  return `${kind} #${revision} ${total_events} ${severity}`;
}

function asideDifferences(
  what: string,
  expected: ReadonlyMap<string, string>,
  found: readonly Aside[],
  at_most: number,
): string[] {
  const times = new Map<string, number>();
  const wrong: string[] = [];
  for (const { position, code } of found) {
    times.set(position, (times.get(position) ?? 0) + 1);
    if (expected.get(position) !== code)
      wrong.push(`${what} ${position} is ${code}, not ${expected.get(position) ?? 'one at all'}`);
  }
  for (const [position, code] of expected) {
    const count = times.get(position) ?? 0;
    if (count === 0) wrong.push(`${what} ${position} (${code}) is lost`);
    else if (count > at_most) wrong.push(`${what} ${position} (${code}) is there ${count} times`);
  }
  return wrong;
}

/** The highest revision; of two with the same, the later one. */
function latest(own: readonly Assessment[]): Assessment | undefined {
  return own.reduce<Assessment | undefined>(
    (best, one) => (best && best.revision > one.revision ? best : one),
    undefined,
  );
}

function byWindow<Told extends Assessment | Alert>(told: readonly Told[]): Map<string, Told[]> {
  return Map.groupBy(told, ({ deployment_id, model_version, window_start }) =>
    windowId(deployment_id, model_version, window_start),
  );
}

function published({
  total_events,
  error_rate,
  patterns,
  severity,
  recommended_action,
}: Assessment): RuledWindow {
  return { total_events, error_rate, patterns, severity, recommended_action };
}

function canonical({ patterns, ...rest }: RuledWindow): string {
  return JSON.stringify([rest, Object.entries(patterns).sort(([a], [b]) => (a < b ? -1 : 1))]);
}
