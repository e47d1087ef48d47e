/** What the demo counts per month, and how it is shown. */
import type { Alert } from '../../messages/assessment.ts';
import type { Rollout } from '../../messages/rollout.ts';

export interface Classified {
  time_ms: number;
  frozen_wrong: boolean;
  live_wrong: boolean;
}

/** The last line of the demo's output. Errors are shares of mails. */
export interface DemoResult {
  seed: number;
  mails: number;
  frozen_error: number;
  live_error: number;
  frozen_error_last_third: number;
  live_error_last_third: number;
  windows: number;
  alerts: number;
  retrainings: number;
  promotions: number;
  rejected: number;
}

export interface Observed {
  alerts: Alert[];
  /** Of finished trainings only: not the first model's. */
  rollouts: Rollout[];
  windows: number;
}

export function summarise(seed: number, mails: readonly Classified[], observed: Observed): DemoResult {
  const last_third = mails.slice(Math.floor((mails.length * 2) / 3));
  const promotions = observed.rollouts.filter(({ kind }) => kind === 'promote').length;
  return {
    seed,
    mails: mails.length,
    frozen_error: share(mails, 'frozen_wrong'),
    live_error: share(mails, 'live_wrong'),
    frozen_error_last_third: share(last_third, 'frozen_wrong'),
    live_error_last_third: share(last_third, 'live_wrong'),
    windows: observed.windows,
    alerts: observed.alerts.length,
    retrainings: observed.rollouts.length,
    promotions,
    rejected: observed.rollouts.length - promotions,
  };
}

function share(mails: readonly Classified[], what: 'frozen_wrong' | 'live_wrong'): number {
  return mails.length === 0 ? 0 : round(mails.filter((mail) => mail[what]).length / mails.length);
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

const HEADER = [
  'month',
  'mails',
  'frozen model wrong',
  'live model wrong',
  'alerts',
  'trainings',
  'verdicts',
];

/** A month per row: alerts by the end of their window, trainings by the end of the window that called for them. */
export function monthTable(mails: readonly Classified[], { alerts, rollouts }: Observed): string {
  const months = Map.groupBy(mails, ({ time_ms }) => monthOf(time_ms));
  for (const { window_end } of alerts)
    if (!months.has(window_end.slice(0, 7))) months.set(window_end.slice(0, 7), []);
  const rows = [...months]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([month, own]) => {
      const trainings = rollouts.filter(({ time }) => time.startsWith(month));
      return [
        month,
        String(own.length),
        errors(own, 'frozen_wrong'),
        errors(own, 'live_wrong'),
        String(alerts.filter(({ window_end }) => window_end.startsWith(month)).length),
        String(trainings.length),
        trainings.map(({ kind }) => (kind === 'promote' ? 'promoted' : 'rejected')).join(', '),
      ];
    });
  return alignColumns([HEADER, ...rows]);
}

export function monthOf(time_ms: number): string {
  return new Date(time_ms).toISOString().slice(0, 7);
}

function errors(mails: readonly Classified[], what: 'frozen_wrong' | 'live_wrong'): string {
  if (mails.length === 0) return '-';
  const wrong = mails.filter((mail) => mail[what]).length;
  return `${wrong} (${((100 * wrong) / mails.length).toFixed(1)} %)`;
}

/** First and last column to the left, the others to the right. */
function alignColumns(rows: string[][]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 || column === row.length - 1
            ? cell.padEnd(widths[column]!)
            : cell.padStart(widths[column]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
