/** What is left of a run's results once every revision is in, in a form to compare with other runs and with the rule. */
import assert from 'node:assert/strict';
import type { LedgerCounts } from '../../engine/ledger.ts';
import type { Alert, Assessment } from '../../messages/assessment.ts';
import type { TopologyRun } from '../harness/topology_run.ts';
import type { Batch } from './made_input.ts';
import { type RuledWindow, ruledWindows, windowId } from './published_rule.ts';

export interface LastWords {
  /** Of each window with events. */
  windows: Map<string, RuledWindow>;
  /** Windows whose last alert is not resolved, with what it says. */
  standing_alerts: Map<string, RuledWindow>;
}

export function sentTo(input: readonly Batch[], source: keyof Batch): number {
  return input.reduce((sum, batch) => sum + batch[source].length, 0);
}

/** Without keys, so that the topology has to bring together what belongs together. */
export async function feed(run: TopologyRun, batch: Batch): Promise<void> {
  for (const source of ['predictions', 'feedback'] as const)
    await run.produce(
      source,
      batch[source].map(({ body }) => ({ value: JSON.stringify(body) })),
    );
}

export function ruled(input: readonly Batch[]): LastWords {
  const windows = ruledWindows(
    input.flatMap(({ predictions }) => predictions),
    input.flatMap(({ feedback }) => feedback),
  );
  const firing = [...windows].filter(([, { error_rate }]) => error_rate > 0.3);
  return { windows: sorted(windows), standing_alerts: sorted(firing) };
}

/** Reads both sinks; checks on the way that no revision is missing or told twice, and that each alert follows. */
export async function lastWords(run: TopologyRun): Promise<LastWords & { revisions: number }> {
  const assessments = await run.sink<Assessment>('patterns');
  const windows = new Map<string, RuledWindow>();
  for (const [id, told] of byWindow(assessments)) {
    assert.deepEqual(
      told.map(({ revision }) => revision),
      told.map((_, index) => index),
      `revisions of ${id}`,
    );
    const last = told.at(-1)!;
    if (last.total_events > 0) windows.set(id, publishedFields(last));
  }
  const standing_alerts = new Map<string, RuledWindow>();
  for (const [id, told] of byWindow(await run.sink<Alert>('alerts'))) {
    checkStory(id, told);
    const last = told.at(-1)!;
    if (last.kind !== 'resolve') standing_alerts.set(id, publishedFields(last));
  }
  const ids = new Set(assessments.map((assessment) => assessment.id));
  assert.equal(ids.size, assessments.length, 'ids of assessments');
  return {
    windows: sorted(windows),
    standing_alerts: sorted(standing_alerts),
    revisions: assessments.length,
  };
}

/** Every record that was taken in has exactly one disposition. */
export function checkAddsUp(source: string, { taken_in, ...dispositions }: LedgerCounts): void {
  const sum = Object.values(dispositions).reduce((total, count) => total + count, 0);
  assert.equal(sum, taken_in, `${source}: ${JSON.stringify(dispositions)}`);
}

/** Raised before it is corrected or resolved, and raised again only after that. */
function checkStory(id: string, told: Alert[]): void {
  let stands = false;
  for (const { kind } of told) {
    assert.equal(kind === 'raise', !stands, `alerts of ${id}: ${told.map((alert) => alert.kind)}`);
    stands = kind !== 'resolve';
  }
}

function byWindow<Told extends Assessment | Alert>(told: Told[]): Map<string, Told[]> {
  const windows = Map.groupBy(told, ({ deployment_id, model_version, window_start }) =>
    windowId(deployment_id, model_version, window_start),
  );
  for (const revisions of windows.values()) revisions.sort((a, b) => a.revision - b.revision);
  return windows;
}

function publishedFields(told: Assessment | Alert): RuledWindow {
  const { total_events, error_rate, patterns, severity, recommended_action } = told;
  return { total_events, error_rate, patterns, severity, recommended_action };
}

function sorted(windows: Iterable<[string, RuledWindow]>): Map<string, RuledWindow> {
  return new Map([...windows].sort(([a], [b]) => (a < b ? -1 : 1)));
}
