/** What a process and Kafka hold over time, and whether it grows. */
import { spawnSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { linearRegression, mean } from 'simple-statistics';
import type { ContenderProcess } from './contender_process.ts';
import { rssBytes } from './usage.ts';

export interface Sample {
  minute: number;
  /** All in MiB. `heap`: of the main thread; those of the workers are part of `rss`. */
  rss: number;
  heap: number;
  kafka_disk: number;
  errata_disk: number;
}

const MEASURES = ['rss', 'heap', 'kafka_disk', 'errata_disk'] as const;
/** The first part of the run, in which heaps and logs fill. */
const WARM_UP = 0.4;
/** Growth over the rest of the run that is noise, as a share of the mean, and in MiB. */
const NOISE = { share: 0.1, mib: 8 };

export const HEADER =
  '| minute | RSS, MiB | heap, MiB | Kafka, MiB | errata, MiB |\n|---:|---:|---:|---:|---:|';

/** Every `interval_ms` until `done`. */
export async function sampleUntil(
  done: Promise<unknown>,
  interval_ms: number,
  process: ContenderProcess,
  kafka_folder: string,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  const begun_ms = Date.now();
  for (let is_done = false; !is_done; ) {
    is_done = await Promise.race([delay(interval_ms, false), done.then(() => true)]);
    if (is_done) break;
    const sample = {
      minute: (Date.now() - begun_ms) / 60_000,
      rss: rssBytes(process.pid) / 2 ** 20,
      heap: await heapMib(process.said),
      kafka_disk: diskMib(kafka_folder),
      errata_disk: diskMib(process.folder),
    };
    samples.push(sample);
    console.log(row(sample));
  }
  return samples;
}

async function heapMib(said: string): Promise<number> {
  const address = /admin API on (\S+)/.exec(said)?.[1];
  if (address === undefined) return 0;
  const text = await (await fetch(`${address}/metrics`)).text();
  return Number(/^nodejs_heap_size_used_bytes (\S+)$/m.exec(text)?.[1] ?? 0) / 2 ** 20;
}

/** What is allocated: index files of Kafka are larger on paper. */
function diskMib(folder: string): number {
  return Number.parseInt(spawnSync('du', ['-sk', folder], { encoding: 'utf8' }).stdout, 10) / 1024;
}

function row(sample: Sample): string {
  const cells = MEASURES.map((name) => sample[name].toFixed(1).padStart(9));
  return `| ${sample.minute.toFixed(1).padStart(5)} | ${cells.join(' | ')} |`;
}

export interface Trend {
  measure: string;
  mean: number;
  per_hour: number;
  grows: boolean;
}

/** After the warm-up. */
export function trends(samples: readonly Sample[]): Trend[] {
  const warm = samples.slice(Math.floor(samples.length * WARM_UP));
  const hours = (warm.at(-1)!.minute - warm[0]!.minute) / 60;
  return MEASURES.map((measure) => {
    const average = mean(warm.map((sample) => sample[measure]));
    const per_hour = linearRegression(warm.map((sample) => [sample.minute / 60, sample[measure]])).m;
    const noise = Math.max(NOISE.share * average, NOISE.mib);
    return { measure, mean: average, per_hour, grows: per_hour * hours > noise };
  });
}
