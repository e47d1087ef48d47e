/**
 * How many records a second of CPU are read: node bench/scanner.ts [rounds]
 * JSON.parse checks nothing; decode() is what everything else is held against.
 */

import type { ActorKind, Context } from '../actors/actor.ts';
import { capture } from '../actors/capture.ts';
import { rekey } from '../actors/rekey.ts';
import { configOf, sourceRecord } from '../actors/testing.ts';
import { DEFAULT_MAX_RECORD_BYTES, decode } from '../messages/decode.ts';
import { RecordReader } from '../messages/record_reader.ts';
import { RecordScanner } from '../messages/record_scanner.ts';
import { EventStream } from './windows/events.ts';

const RECORDS = 50_000;
const START_MS = 1_700_000_000_000;

function feedback(): Buffer[] {
  const span = { from_ms: START_MS, span_ms: 3_600_000 };
  const stream = new EventStream({ seed: 1, events: RECORDS, keys: 1000, event_bytes: 310, ...span });
  return Array.from({ length: RECORDS }, () => Buffer.from(stream.next().json));
}

/** With numbers as Python and JavaScript print them: 16 and 17 digits. */
function predictions(): Buffer[] {
  return Array.from({ length: RECORDS }, (_, index) => {
    const real = (scale: number) => (((index * 0.618_033_988_75) % 1) + 0.1) * scale;
    const input_stats = { mean: real(1), std: real(0.3), min: -real(2), max: real(3) };
    const input = { text: 'where is my invoice of last month, the one from the café?', length: index % 90 };
    const said = {
      input_shape: [1, 16],
      input_stats,
      input,
      output: 'spam',
      latency_ms: real(20),
      server_load: real(0.9),
    };
    const who = {
      prediction_id: `p-${index.toString(16).padStart(12, '0')}`,
      timestamp: START_MS + index,
      model_version: 'v3',
    };
    return Buffer.from(JSON.stringify({ ...who, deployment_id: `d-${index % 1000}`, ...said }));
  });
}

/** All effects go nowhere: what is measured is the reading, and the joinless capture behind it. */
const nowhere: Context = {
  now_ms: START_MS,
  watermark_ms: Number.NEGATIVE_INFINITY,
  state: { get: () => undefined, set: () => undefined, delete: () => undefined, entries: () => [] },
  expiring: {
    get: () => undefined,
    set: () => undefined,
    delete: () => undefined,
    entries: () => [],
    bytes: null,
  },
  emit: () => undefined,
  setTimer: () => undefined,
  observe: () => undefined,
  isAtHome: () => true,
  count: () => undefined,
  deadLetter: () => undefined,
  late: () => undefined,
};

function actorOf(kind: ActorKind, config: object): (record: Buffer) => void {
  const actor = kind.create(configOf(kind, config), { topology: 'bench', actor: 'bench' });
  const message = sourceRecord(null, { timestamp_ms: 2 * START_MS });
  return (record) => actor.onMessage('records', { ...message, value: record }, nowhere);
}

const scanner = new RecordScanner();
const reader = new RecordReader(DEFAULT_MAX_RECORD_BYTES);
const READERS: Record<string, (record: Buffer) => unknown> = {
  'JSON.parse': (record) => JSON.parse(record.toString()),
  'decode()': (record) => decode(record),
  RecordScanner: (record) => scanner.scan(record, 0, record.length),
  RecordReader: (record) => reader.read(record),
  'capture, decoding': actorOf(capture, { join: 'none', outcomes: true }),
  'capture, scanning': actorOf(capture, { join: 'none' }),
  're-key': actorOf(rekey, {}),
};

/** The best of some rounds, in records per second of CPU. */
function rate(records: Buffer[], read: (record: Buffer) => unknown, rounds: number): number {
  let best = 0;
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    for (const record of records) read(record);
    const { user, system } = process.cpuUsage(before);
    best = Math.max(best, (records.length / (user + system)) * 1e6);
  }
  return best;
}

const rounds = Number(process.argv[2] ?? 5);
for (const [what, records] of Object.entries({ feedback: feedback(), predictions: predictions() })) {
  const size_bytes = records.reduce((sum, { length }) => sum + length, 0) / records.length;
  console.log(`${what}, ${Math.round(size_bytes)} bytes:`);
  for (const [name, read] of Object.entries(READERS))
    console.log(`  ${name.padEnd(18)} ${Math.round(rate(records, read, rounds) / 1000)} k/s`);
}
