/** Medians as a table, with ratios against the better figure of each peer; written into bench/README.md by a run. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { median } from 'simple-statistics';
import type { Grown } from './growth.ts';
import type { Latency } from './latency.ts';
import type { Measurement } from './measure.ts';

const README = join(import.meta.dirname, 'README.md');

/** One run in one line. */
export function line(measured: Measurement): string {
  const { events_per_s, events_per_s_with_start, cpu_s_per_m, cpu_s_per_m_with_start } = measured;
  return (
    `${thousands(events_per_s)}/s (with start ${thousands(events_per_s_with_start)}/s), ` +
    `CPU ${cpu_s_per_m.toFixed(2)} s/M (with start ${cpu_s_per_m_with_start.toFixed(2)}), ${mebibytes(measured)} MiB`
  );
}

export function table(measured: readonly Measurement[]): string {
  const rows = medians(measured);
  const best = (family: string) =>
    Math.max(...rows.filter(({ contender }) => contender.startsWith(family)).map((row) => row.events_per_s));
  const [flink, streams] = [best('Flink'), best('Kafka Streams')];
  return [
    '| | events/s | with start-up | CPU s per M | with start-up | peak RSS, MiB | × Flink | × Kafka Streams |',
    '|---|---:|---:|---:|---:|---:|---:|---:|',
    ...rows.map((row) =>
      tableLine([
        row.contender,
        thousands(row.events_per_s),
        thousands(row.events_per_s_with_start),
        row.cpu_s_per_m.toFixed(2),
        row.cpu_s_per_m_with_start.toFixed(2),
        mebibytes(row),
        ratio(row.events_per_s, flink),
        ratio(row.events_per_s, streams),
      ]),
    ),
  ].join('\n');
}

export function medians(measured: readonly Measurement[]): Measurement[] {
  const names = [...new Set(measured.map(({ contender }) => contender))];
  return names.map((contender) => {
    const of = (field: Exclude<keyof Measurement, 'contender'>) =>
      median(measured.filter((one) => one.contender === contender).map((one) => one[field]));
    return {
      contender,
      events_per_s: of('events_per_s'),
      events_per_s_with_start: of('events_per_s_with_start'),
      cpu_s_per_m: of('cpu_s_per_m'),
      cpu_s_per_m_with_start: of('cpu_s_per_m_with_start'),
      peak_rss_bytes: of('peak_rss_bytes'),
    };
  });
}

function mebibytes({ peak_rss_bytes }: Measurement): string {
  return (peak_rss_bytes / 2 ** 20).toFixed(0);
}

function thousands(per_s: number): string {
  return `${Math.round(per_s / 1000)} k`;
}

function tableLine(cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`;
}

function ratio(value: number, against: number): string {
  return Number.isFinite(against) ? (value / against).toFixed(2) : '';
}

/** `common_rate`: at which all were measured. Ratios are to the better Flink at the same kind of load. */
export function latencyTable(latencies: readonly Latency[], common_rate: number): string {
  const isCommon = ({ rate }: Latency) => rate === common_rate;
  const ratioOf = (one: Latency, field: 'p50_ms' | 'p99_ms') => {
    const peers = latencies.filter(
      (other) => other.contender.startsWith('Flink') && isCommon(other) === isCommon(one),
    );
    return ratio(one[field], Math.min(...peers.map((peer) => peer[field])));
  };
  return [
    '| | events/s | p50, ms | p99, ms | p50, × Flink | p99, × Flink | results | load late by at most, ms |',
    '|---|---:|---:|---:|---:|---:|---:|---:|',
    ...latencies.map((one) => {
      const { contender, rate, p50_ms, p99_ms, results, load_late_ms } = one;
      const ratios = [ratioOf(one, 'p50_ms'), ratioOf(one, 'p99_ms')];
      return tableLine([contender, thousands(rate), p50_ms, p99_ms, ...ratios, results, load_late_ms]);
    }),
  ].join('\n');
}

export function growthTable(grown: readonly Grown[]): string {
  return [
    '| keys | partitions | event, bytes | | events/s | CPU s per M | peak RSS, MiB |',
    '|---:|---:|---:|---|---:|---:|---:|',
    ...grown.flatMap(({ keys, partitions, event_bytes, measured }) =>
      measured.map(
        (one) =>
          `| ${keys} | ${partitions} | ${event_bytes} | ${one.contender} | ${thousands(one.events_per_s)} | ${one.cpu_s_per_m.toFixed(2)} | ${mebibytes(one)} |`,
      ),
    ),
  ].join('\n');
}

/** Puts the table between the markers of that name. */
export function writeSummary(name: string, args: string[], summary_table: string): void {
  const text = readFileSync(README, 'utf8');
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < 0) throw new Error(`bench/README.md has no markers for ${name}`);
  const summary = `${begin}\n${machine(args)}\n\n${summary_table}\n${text.slice(to)}`;
  writeFileSync(README, text.slice(0, from) + summary);
}

function machine(args: string[]): string {
  const java = spawnSync('java', ['-version'], { encoding: 'utf8' }).stderr.split('\n')[0] ?? '';
  const memory_gib = Math.round(totalmem() / 2 ** 30);
  const command = ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' ');
  return `${new Date().toISOString().slice(0, 10)}, \`${command}\`; ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), ${memory_gib} GiB; Node ${process.version}, ${java}.`;
}
