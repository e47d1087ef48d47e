/**
 * What the contract suite needs to put each kind of connector to the test: a real other side. A kind that is in the catalogue
 * and not here fails the suite.
 */
import type { TestContext } from 'node:test';
import type { TSchema } from 'typebox';
import type { MessageType } from '../../actors/actor.ts';
import { SINK_KINDS, SOURCE_KINDS } from '../../connectors/catalogue.ts';
import { fillDefaults } from '../../topology/defaults.ts';
import { strictSchema } from '../../topology/strict_schema.ts';
import { bigQueryEmulator } from '../harness/bigquery_emulator.ts';
import { HookServer } from '../harness/hook_server.ts';
import { freePort } from '../harness/kafka_node.ts';
import { pubsubSink, pubsubSource } from '../pubsub/contract_subject.ts';
import { rating } from './ingest_run.ts';
import { RepeatingSender } from './repeating_sender.ts';

export interface SinkSubject {
  /** Defaults filled in. */
  config: unknown;
  /** What its records are; default: `source_record`. */
  message?: MessageType;
  /** A value that the other side takes, and from which `written` can tell it again. */
  value(index: number): Buffer;
  /** A value that it refuses for good; absent where there is none. */
  refused?: Buffer;
  /** Indices of what the other side has, in the order of each key, repetitions left out. */
  written(): Promise<number[]>;
  /** The other side goes away, and comes back where it was. */
  down(): Promise<void>;
  up(): Promise<void>;
  /** What must stand in no message. */
  secret: string;
}

export interface SourceSubject {
  config: unknown;
  /** Puts messages there to be taken; each arrives as a record whose value is, or holds, `message-{index}`. */
  send(indices: readonly number[]): Promise<void>;
  /** Finds it in the value; absent: it is the value. */
  messageIn?(value: string): string;
  /** How many messages the other side takes for delivered. */
  acknowledged(): Promise<number>;
  /** Absent: the source asks nobody, it is asked. */
  down?(): Promise<void>;
  up?(): Promise<void>;
  /** The most records that may be in `publish` at once. */
  most_in_flight: number;
}

/** Null: what it needs is not installed (that is told), and the kind is skipped. */
type Prepare<Subject> = (t: TestContext) => Promise<Subject | null>;

export const SOURCE_SUBJECTS: Readonly<Record<string, Prepare<SourceSubject>>> = {
  http: async (t) => {
    const port = await freePort();
    const sender = new RepeatingSender(t, `http://127.0.0.1:${port}/v1/feedback`);
    return {
      // Two of what is sent fit.
      config: withDefaults(SOURCE_KINDS.get('http')!.config, { port, max_pending: '1m' }),
      send: async (indices) => {
        const padding = 'x'.repeat(400_000);
        for (const index of indices) sender.send(rating(`message-${index}`, { comment: padding }));
      },
      messageIn: (value) => (JSON.parse(value) as { prediction_id: string }).prediction_id,
      acknowledged: async () => sender.acknowledged,
      most_in_flight: 2,
    };
  },
  pubsub: pubsubSource,
};

export const SINK_SUBJECTS: Readonly<Record<string, Prepare<SinkSubject>>> = {
  bigquery: async (t) => {
    const emulator = await bigQueryEmulator(t);
    if (!emulator) return null;
    await emulator.createTable('contract.records', [{ name: 'index', type: 'INTEGER', mode: 'REQUIRED' }]);
    emulator.beBigQuery(t);
    const settings = { table: 'contract.records', mapping: { index: 'index' } };
    return {
      config: withDefaults(SINK_KINDS.get('bigquery')!.config, settings),
      value: (index) => Buffer.from(JSON.stringify({ index })),
      refused: Buffer.from(JSON.stringify({ index: 'no number' })),
      // A table has no order.
      written: async () => {
        const rows = await emulator.rows<{ index: number }>(
          'select index from contract.records order by index',
        );
        return rows.map(({ index }) => index);
      },
      down: () => emulator.kill(),
      up: () => emulator.start(),
      secret: 'it has none',
    };
  },
  pubsub: pubsubSink,
  webhook: async (t) => {
    const server = await HookServer.start(t);
    const secret = 'a-secret-in-the-url';
    process.env.CONTRACT_URL = `${server.url}?key=${secret}`;
    server.answer = ({ body }) => ({ status: body === '"no"' ? 422 : 200 });
    return {
      config: withDefaults(SINK_KINDS.get('webhook')!.config, { url_env: 'CONTRACT_URL' }),
      value: (index) => Buffer.from(JSON.stringify({ id: `alert-${index}`, index })),
      refused: Buffer.from('"no"'),
      written: async () => [
        ...new Set(server.taken.map(({ body }) => (JSON.parse(body) as { index: number }).index)),
      ],
      down: () => server.down(),
      up: () => server.up(),
      secret,
    };
  },
};

/** Settings as lint fills them in. */
export function withDefaults(schema: TSchema, given: object): unknown {
  return fillDefaults(strictSchema(schema), given);
}
