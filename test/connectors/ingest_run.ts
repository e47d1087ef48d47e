/** `errata run` with an ingest in front of it, and how to ask it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LedgerView } from '../../admin/routes/ledger.ts';
import { type Ending, temporaryFolder } from '../harness/embedded.ts';
import { ErrataProcess } from '../harness/errata_process.ts';
import { freePort } from '../harness/kafka_node.ts';
import { readTopic } from '../harness/read_topic.ts';

export interface IngestRun {
  process: ErrataProcess;
  /** Of the ingest. */
  url: string;
  ledger(): Promise<LedgerView>;
  /** Keys in a topic that begin so, sorted. */
  keysOf(topic: string, beginning: string): Promise<string[]>;
}

export interface IngestRunOptions {
  /** Further settings of the source `http`, as YAML in one line. */
  settings?: string;
  /** Further settings of the sources, as YAML in one line. */
  source?: string;
  env?: Record<string, string>;
  data_dir?: string;
  port?: number;
}

/** One that is ready. */
export async function ingestRun(t: Ending, options: IngestRunOptions = {}): Promise<IngestRun> {
  const run = await startIngest(t, options);
  await run.process.ready();
  return run;
}

export async function startIngest(t: Ending, options: IngestRunOptions = {}): Promise<IngestRun> {
  const { settings = '', source = '', env = {}, data_dir, port = await freePort() } = options;
  const file = join(temporaryFolder(t), 'ingest.yaml');
  const http = (accepts: string) => `http: { accepts: ${accepts}, port: ${port}${settings} }${source}`;
  writeFileSync(
    file,
    `topology: ingest
sources:
  predictions: { ${http('predictions')}, topic: predictions, partitions: 2 }
  feedback: { ${http('feedback')}, topic: feedback, partitions: 2 }
actors:
  capture: { from: [predictions, feedback], join: { wait: 1h } }
`,
  );
  const files = { files: [file], ...(data_dir === undefined ? {} : { data_dir }) };
  const process = new ErrataProcess(t, { ...files, env });
  return {
    process,
    url: `http://127.0.0.1:${port}`,
    ledger: () => process.get<LedgerView>('/topologies/ingest/ledger'),
    keysOf: async (topic, beginning) => {
      const records = await readTopic(await process.brokers(), topic);
      return records
        .map(({ key }) => String(key))
        .filter((key) => key.startsWith(beginning))
        .sort();
    },
  };
}

export interface Asked {
  body: string | Buffer;
  type?: string;
  headers?: Record<string, string>;
}

export interface Told {
  status: number;
  accepted?: number;
  errors?: { index: number; code: string; message: string }[];
  code?: string;
  hint?: string;
  headers: Headers;
}

export async function post(url: string, path: string, { body, type, headers = {} }: Asked): Promise<Told> {
  const response = await fetch(url + path, {
    method: 'POST',
    body,
    headers: { ...(type === undefined ? {} : { 'content-type': type }), ...headers },
  });
  const answer = (await response.json()) as Partial<Told>;
  return { ...answer, status: response.status, headers: response.headers };
}

export function prediction(id: string, more: object = {}) {
  return { prediction_id: id, timestamp: Date.now(), deployment_id: 'd', model_version: 'v', ...more };
}

export function rating(id: string, more: object = {}) {
  return {
    prediction_id: id,
    session_id: 's',
    feedback_type: 'explicit',
    rating: 2,
    timestamp: Date.now(),
    ...more,
  };
}
