/** What connectors/connector.ts promises, of every kind in the catalogue, each with a real other side. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pino from 'pino';
import { SINK_KINDS, SOURCE_KINDS } from '../../connectors/catalogue.ts';
import type {
  IncomingRecord,
  OpenSink,
  Refusal,
  SinkContext,
  SinkPorts,
  SinkRecord,
  SourcePorts,
} from '../../connectors/connector.ts';
import { TaskState } from '../../engine/state.ts';
import { ErrataError, errorMessage } from '../../messages/errata_error.ts';
import { lintText } from '../../topology/testing.ts';
import { until } from '../harness/until.ts';
import { SINK_SUBJECTS, type SinkSubject, SOURCE_SUBJECTS, type SourceSubject } from './contract_subjects.ts';

const place = { namespace: 'test', topology: 'contract', name: 'edge' };
const log = pino({ level: 'silent' });

describe('the catalogue of connectors', () => {
  it('lists every file that defines a kind, and each kind under its file name', () => {
    const folder = join(import.meta.dirname, '../../connectors');
    const defining = readdirSync(folder)
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && file !== 'connector.ts')
      .filter((file) => /define(Source|Sink)\(\{/.test(readFileSync(join(folder, file), 'utf8')))
      .map((file) => file.replace(/(_source|_sink)?\.ts$/, ''));
    assert.deepEqual(
      [...new Set(defining)].sort(),
      [...new Set([...SOURCE_KINDS.keys(), ...SINK_KINDS.keys()])].sort(),
    );
  });

  it('has a subject here for each kind', () => {
    assert.deepEqual(Object.keys(SOURCE_SUBJECTS).sort(), [...SOURCE_KINDS.keys()].sort());
    assert.deepEqual(Object.keys(SINK_SUBJECTS).sort(), [...SINK_KINDS.keys()].sort());
  });
});

const ACTORS = `
actors:
  capture: { from: [feedback], join: none }
  stats: { kind: window, from: capture }
  severity: { from: stats }`;

for (const kind of SOURCE_KINDS.values())
  it(`source ${kind.kind}: its example is sound`, () => {
    const text = `topology: t\nsources:\n${indented(kind.example)}`;
    assert.deepEqual(
      lintText(text).filter(({ severity }) => severity === 'error'),
      [],
    );
  });

for (const kind of SINK_KINDS.values())
  it(`sink ${kind.kind}: its example is sound`, () => {
    const text = `topology: t\nsources:\n  feedback: { kafka: { topic: f } }${ACTORS}\nsinks:\n${indented(kind.example)}`;
    assert.deepEqual(
      lintText(text).filter(({ severity }) => severity === 'error'),
      [],
    );
  });

function indented(example: string): string {
  return example
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}

for (const [name, prepare] of Object.entries(SINK_SUBJECTS)) {
  const kind = SINK_KINDS.get(name)!;
  describe(`sink ${name}`, () => {
    it('writes batches in order, and returns what is refused for good while the rest goes in', async (t) => {
      const subject = await prepare(t);
      if (!subject) return t.skip('its other side is not installed');
      const { ports, state } = sinkPorts(subject);
      const sink = await kind.open(subject.config, ports);
      assert.deepEqual(await writeAll(sink, recordsOf(subject, 0, 20), state), []);
      const refused = subject.refused === undefined ? [] : [recordOf(20, subject.refused)];
      const rest = recordsOf(subject, 21, 40);
      const batch = [...rest.slice(0, 5), ...refused, ...rest.slice(5)];
      const refusals = await writeAll(sink, batch, state);
      assert.deepEqual(
        refusals.map(({ record }) => record),
        refused,
      );
      for (const { reason } of refusals) assert.match(reason.code, /^[a-z_]+$/);
      const wanted = [...range(0, 20), ...range(21, 40)];
      await until(async () => (await subject.written()).length === wanted.length, 'all are there');
      assert.deepEqual(await subject.written(), wanted);
      assert.equal(sink.health(), null);
      await sink.close();
    });

    it('waits for the other side, says so, and then gets through', { timeout: 120_000 }, async (t) => {
      const subject = await prepare(t);
      if (!subject) return t.skip('its other side is not installed');
      const { ports, state } = sinkPorts(subject);
      const sink = await kind.open(subject.config, ports);
      await writeAll(sink, recordsOf(subject, 0, 1), state);
      await subject.down();
      let told: string | null = null;
      const records = recordsOf(subject, 1, 10);
      const writing = (async () => {
        for (;;) {
          try {
            return await writeAll(sink, records, state);
          } catch (error) {
            told = errorMessage(error);
            await delay(200);
          }
        }
      })();
      await until(() => told !== null || sink.health() !== null, 'it says what it waits for');
      assert.doesNotMatch(told ?? sink.health() ?? '', new RegExp(subject.secret));
      await subject.up();
      assert.deepEqual(await writing, []);
      assert.deepEqual(await subject.written(), range(0, 10));
      assert.equal(sink.health(), null);
      await sink.close();
    });

    it('gives up what it waits for when its task ends', async (t) => {
      const subject = await prepare(t);
      if (!subject) return t.skip('its other side is not installed');
      const { ports, state, end } = sinkPorts(subject);
      const sink = await kind.open(subject.config, ports);
      await subject.down();
      const writing = writeAll(sink, recordsOf(subject, 0, 3), state);
      const ended = assert.rejects(writing);
      await delay(300);
      end();
      await ended;
      await sink.close();
    });
  });
}

for (const [name, prepare] of Object.entries(SOURCE_SUBJECTS)) {
  const kind = SOURCE_KINDS.get(name)!;
  describe(`source ${name}`, () => {
    it('acknowledges what is published, only then, and holds no more than it may meanwhile', {
      timeout: 120_000,
    }, async (t) => {
      const subject = await prepare(t);
      if (!subject) return t.skip('its other side is not installed');
      const { ports, published, release } = sourcePorts();
      const source = await kind.start(subject.config, ports);
      t.after(() => source.stop());
      const count = 3 * subject.most_in_flight;
      // The other side may round it.
      const begun_ms = Date.now() - 1_000;
      await subject.send(range(0, count));
      await until(() => published.length > 0, 'something is published');
      await delay(1_000);
      assert.equal(await subject.acknowledged(), 0);
      assert.ok(published.length <= subject.most_in_flight, `${published.length} in flight`);
      const lag = source.lag();
      assert.equal(lag?.messages, published.length, 'what it holds is its lag');
      assert.ok(lag.oldest_ms! >= begun_ms && lag.oldest_ms! <= Date.now(), `since ${lag.oldest_ms}`);
      release();
      const arrived = () => new Set(published.map((record) => messageIn(subject, record)));
      await until(() => arrived().size === count, 'all are published');
      await until(async () => (await subject.acknowledged()) === count, 'all are acknowledged', 60_000);
      assert.equal(source.health(), null);
      await until(() => source.lag()?.messages === 0, 'nothing is held');
      assert.equal(source.lag()!.oldest_ms, null);
      if (kind.dedupe !== null)
        assert.ok(
          published.every(({ id }) => id !== undefined),
          'each has an id',
        );
    });

    it('says what it waits for, and goes on when the other side is back', { timeout: 120_000 }, async (t) => {
      const subject = await prepare(t);
      if (!subject) return t.skip('its other side is not installed');
      if (!subject.down || !subject.up) return t.skip('it waits for nobody');
      const { ports, published, release, failures } = sourcePorts();
      release();
      let source = await kind.start(subject.config, ports);
      t.after(() => source.stop());
      await subject.down();
      await until(() => source.health() !== null || failures.length > 0, 'it says so', 60_000);
      await subject.up();
      if (failures.length > 0) {
        await source.stop();
        source = await kind.start(subject.config, ports);
      }
      await subject.send([1]);
      const isThere = () => published.some((record) => messageIn(subject, record) === 'message-1');
      await until(isThere, 'it goes on', 60_000);
    });

    it('gives back what it could not publish', { timeout: 120_000 }, async (t) => {
      const subject = await prepare(t);
      if (!subject) return t.skip('its other side is not installed');
      const { ports, published, refuse } = sourcePorts();
      const source = await kind.start(subject.config, ports);
      await subject.send([7]);
      await until(() => published.length > 0, 'it is published');
      refuse();
      await source.stop();
      assert.equal(await subject.acknowledged(), 0);
    });
  });
}

function messageIn({ messageIn: read = String }: SourceSubject, { value }: IncomingRecord): string {
  return read(String(value));
}

function sinkPorts({ message = 'source_record' }: SinkSubject) {
  const ending = new AbortController();
  const ports: SinkPorts = { place, message, partition: 0, log, signal: ending.signal };
  return { ports, state: new TaskState().store('edge'), end: () => ending.abort() };
}

/** As the engine does: what a sink is not done with is given again. */
async function writeAll(
  sink: OpenSink,
  records: readonly SinkRecord[],
  state: SinkContext['state'],
): Promise<Refusal[]> {
  const refusals: Refusal[] = [];
  for (let left = records; left.length > 0; ) {
    let done = left.length;
    const only = (count: number) => {
      done = count;
    };
    refusals.push(...(await sink.write(left, { state, only })));
    left = left.slice(done);
  }
  return refusals;
}

/** `publish` waits until it is told to go on, or to fail. */
function sourcePorts() {
  const published: IncomingRecord[] = [];
  const failures: Error[] = [];
  const gate = Promise.withResolvers<void>();
  gate.promise.catch(() => undefined);
  const ports: SourcePorts = {
    place,
    process_id: 'process',
    log,
    publish: async (records) => {
      published.push(...records);
      await gate.promise;
    },
    deadLetter: async () => undefined,
    blocked: () => null,
    fail: (error) => failures.push(error),
  };
  const refuse = () => gate.reject(new ErrataError('E_SOURCE_STOPPED', 'stopped'));
  return { ports, published, failures, release: () => gate.resolve(), refuse };
}

function recordsOf(subject: SinkSubject, from: number, to: number): SinkRecord[] {
  return range(from, to).map((index) => recordOf(index, subject.value(index)));
}

function recordOf(offset: number, value: Buffer): SinkRecord {
  const key = Buffer.from('one key');
  return { topic: 'records', partition: 0, offset, timestamp_ms: Date.now(), key, value, headers: {} };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}
