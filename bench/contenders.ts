/** Who takes part in the race, and how each is started. */
import { join } from 'node:path';
import { peerClasspath } from './peers.ts';

export type Guarantee = 'exactly_once' | 'at_least_once';

export interface Contender {
  name: string;
  family: 'kafkajs' | 'errata' | 'kafka-streams' | 'flink';
  workers: number;
  guarantee: Guarantee;
  /** Program and arguments; `folder` is for what it keeps on disk. */
  command(folder: string): string[];
  /** Further variables; those that all get are in measure.ts. */
  env?: Record<string, string>;
}

/**
 * Maximum heaps: the least that costs a peer less than 5 % of its speed, see bench/README.md.
 * The variables are there to try others.
 */
const HEAP = {
  'kafka-streams': process.env.BENCH_STREAMS_HEAP ?? '512m',
  flink: process.env.BENCH_FLINK_HEAP ?? '512m',
};
const ROOT = join(import.meta.dirname, '..');
const NODE = [
  process.execPath,
  '--disable-warning=TimeoutNegativeWarning',
  '--disable-warning=ExperimentalWarning',
];
/** Flink reflects on what the module system hides. */
const OPENED = ['java.lang', 'java.util', 'java.util.concurrent', 'java.net', 'java.nio'].map(
  (name) => `--add-opens=java.base/${name}=ALL-UNNAMED`,
);

function client(mode: 'drain' | 'parse'): Contender {
  const command = () => [...NODE, join(ROOT, 'bench/clients/drain.ts'), mode];
  return { name: `kafkajs ${mode}`, family: 'kafkajs', workers: 1, guarantee: 'at_least_once', command };
}

export function errata(topology: string, workers: number, guarantee: Guarantee): Contender {
  const options = ['--admin-port', '0', '--kafka-port', '0', '--log-level', 'warn'];
  return {
    name: nameOf('errata', workers, guarantee),
    family: 'errata',
    workers,
    guarantee,
    command: (folder) => [
      ...NODE,
      join(ROOT, 'cli/errata.ts'),
      'run',
      join(ROOT, 'bench/topologies', topology),
      '--data',
      folder,
      ...options,
    ],
  };
}

export function kafkaStreams(job: string, workers: number, guarantee: Guarantee): Contender {
  return {
    name: nameOf('Kafka Streams', workers, guarantee),
    family: 'kafka-streams',
    workers,
    guarantee,
    command: () => [...java('kafka-streams'), 'bench.streams.Main', job],
  };
}

export function flink(workers: number, guarantee: Guarantee): Contender {
  return {
    name: nameOf('Flink', workers, guarantee),
    family: 'flink',
    workers,
    guarantee,
    command: () => [...java('flink', OPENED), 'bench.flink.Main'],
  };
}

function java(peer: 'kafka-streams' | 'flink', options: string[] = []): string[] {
  return ['java', `-Xmx${HEAP[peer]}`, '-XX:+UseParallelGC', ...options, '-cp', peerClasspath(peer)];
}

function nameOf(program: string, workers: number, guarantee: Guarantee): string {
  return `${program} ${guarantee} ${workers}`;
}

/** The race over the whole pipeline. */
export function pipelineContenders(): Contender[] {
  return [
    errata('pipeline.yaml', 2, 'exactly_once'),
    errata('pipeline.yaml', 2, 'at_least_once'),
    kafkaStreams('pipeline', 1, 'exactly_once'),
    kafkaStreams('pipeline', 2, 'exactly_once'),
    kafkaStreams('pipeline', 2, 'at_least_once'),
  ];
}

/** The race over the windows, in the order in which each round goes. */
export function windowContenders(): Contender[] {
  const errata_runs = (guarantee: Guarantee) =>
    [1, 2].map((workers) => errata('windows.yaml', workers, guarantee));
  const streams_runs = (guarantee: Guarantee) =>
    [1, 2].map((workers) => kafkaStreams('windows', workers, guarantee));
  return [
    client('drain'),
    client('parse'),
    ...errata_runs('at_least_once'),
    ...errata_runs('exactly_once'),
    ...streams_runs('at_least_once'),
    ...streams_runs('exactly_once'),
    flink(1, 'exactly_once'),
    flink(2, 'exactly_once'),
  ];
}
