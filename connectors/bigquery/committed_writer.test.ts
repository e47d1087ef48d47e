/**
 * Whatever fails, and whoever wakes up late: each record is in the table once or among the dead letters once. Held against the plain
 * list of records, over made histories of crashes, lost answers, zombies and rows that are refused.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import pino from 'pino';
import type { SinkRecord } from '../connector.ts';
import { CommittedWriter, type RowOf } from './committed_writer.ts';
import { type FakeRow, FakeTable } from './fake_streams.ts';
import { stateIn } from './testing.ts';
import type { WriteStreams } from './write_streams.ts';

const log = pino({ level: 'silent' });
const fits = async () => undefined;

type Kind = FakeRow['taken'] | 'unmappable' | 'not_ours';

/** What comes next of what may happen; all goes well once it is used up. */
class Tape {
  readonly #choices: number[];
  constructor(choices: readonly number[]) {
    this.#choices = [...choices];
  }
  /** True in one case of `of`. */
  once(of: number): boolean {
    return (this.#choices.pop() ?? 1) % of === 0;
  }
  upTo(most: number): number {
    return 1 + ((this.#choices.pop() ?? most - 1) % most);
  }
}

interface Committed {
  position: number;
  state: Map<string, unknown>;
  dead_letters: number[];
}

type Writer = CommittedWriter<FakeRow>;

/** The engine around the writer, as far as it matters: batches, commits, lives. */
class Run {
  readonly table = new FakeTable();
  readonly #records: SinkRecord[];
  readonly #kinds: readonly Kind[];
  readonly #tape: Tape;
  readonly committed: Committed = { position: 0, state: new Map(), dead_letters: [] };
  /** Writes of former lives that may go on at any time. */
  readonly #zombies: (() => Promise<unknown>)[] = [];

  constructor(kinds: readonly Kind[], choices: readonly number[]) {
    this.#kinds = kinds;
    this.#tape = new Tape(choices);
    this.#records = kinds.map((_, offset) => recordAt(offset));
  }

  async toEnd(): Promise<void> {
    for (let life = 0; this.committed.position < this.#records.length; life++) {
      assert.ok(life < 1_000, 'it never ends');
      await this.#live(new CommittedWriter(this.#streams(), this.#rowOf, fits, log));
    }
  }

  async #live(writer: Writer): Promise<void> {
    for (let turn = 0; this.committed.position < this.#records.length; turn++) {
      assert.ok(turn < 10_000, 'it does not get on');
      const batch = this.#records.slice(this.committed.position).slice(0, this.#tape.upTo(7));
      const state = new Map(this.committed.state);
      if (this.#tape.once(9)) {
        this.#zombies.push(() => writer.write(batch, { state: stateIn(state), only: () => undefined }));
        return;
      }
      let done = batch.length;
      const only = (count: number) => {
        done = count;
      };
      const refusals = await writer.write(batch, { state: stateIn(state), only }).catch(() => null);
      if (this.#tape.once(5)) return;
      if (!refusals) continue;
      this.committed.position += done;
      this.committed.state = state;
      this.committed.dead_letters.push(...refusals.map(({ record }) => record.offset));
    }
  }

  #rowOf: RowOf<FakeRow> = ({ offset }) => {
    const kind = this.#kinds[offset]!;
    if (kind === 'not_ours') return null;
    if (kind === 'unmappable') return { refused: { code: 'bigquery_row', message: 'no' } };
    return { row: { id: offset, taken: kind }, bytes: 10 };
  };

  /** The table behind a connection that fails, before and after. */
  #streams(): WriteStreams<FakeRow> {
    const flaky = async <Answer>(ask: () => Promise<Answer>): Promise<Answer> => {
      if (this.#tape.once(8))
        await this.#zombies
          .pop()?.()
          .catch(() => undefined);
      if (this.#tape.once(8)) throw new Error('not sent');
      const answer = await ask();
      if (this.#tape.once(8)) throw new Error('the answer is lost');
      return answer;
    };
    return {
      table: this.table.table,
      create: () => flaky(() => this.table.create()),
      append: (...given) => flaky(() => this.table.append(...given)),
      seal: (name) => flaky(() => this.table.seal(name)),
      close: () => undefined,
    };
  }
}

function recordAt(offset: number): SinkRecord {
  return { topic: 't', partition: 0, offset, timestamp_ms: 0, key: null, value: null, headers: {} };
}

const KINDS: fc.Arbitrary<Kind> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Kind>('taken') },
  fc.constantFrom<Kind>('refused', 'invalid', 'unmappable', 'not_ours'),
);

test('each row once and each refusal once, in order, through crashes, lost answers and zombies', async () => {
  const kinds = fc.array(KINDS, { maxLength: 60, size: 'max' });
  const choices = fc.array(fc.nat(1_000), { maxLength: 400, size: 'max' });
  await fc.assert(
    fc.asyncProperty(kinds, choices, async (kinds, choices) => {
      const run = new Run(kinds, choices);
      await run.toEnd();
      const offsets = (...wanted: Kind[]) => kinds.flatMap((kind, at) => (wanted.includes(kind) ? [at] : []));
      assert.deepEqual(run.table.rows, offsets('taken'));
      const letters = run.committed.dead_letters.toSorted((a, b) => a - b);
      assert.deepEqual(letters, offsets('refused', 'invalid', 'unmappable'));
    }),
    { numRuns: 1_000 },
  );
});

test('where nothing fails, one stream is enough, and batches are not cut', async () => {
  const run = new Run(Array<Kind>(1_000).fill('taken'), []);
  await run.toEnd();
  assert.equal(run.table.rows.length, 1_000);
  assert.equal(run.table.created, 1);
});

test('a stream that is gone is replaced, and what was not committed comes twice rather than never', async () => {
  const table = new FakeTable();
  const state = new Map<string, unknown>();
  const records = [0, 1, 2].map(recordAt);
  const rowOf: RowOf<FakeRow> = ({ offset }) => ({ row: { id: offset, taken: 'taken' }, bytes: 1 });
  const context = { state: stateIn(state), only: () => undefined };
  const first = new CommittedWriter(table, rowOf, fits, log);
  await first.write(records, context);
  const began = new Map(state);
  await first.write(records, context);
  table.forget('one/stream-1');
  const second = new CommittedWriter(table, rowOf, fits, log);
  const resumed = { state: stateIn(began), only: () => undefined };
  await second.write(records, resumed);
  await second.write(records, resumed);
  assert.deepEqual(table.rows, [0, 1, 2, 0, 1, 2]);
});

test('killed before the commit and given another table, it writes all rows there that are not committed', async () => {
  const [old, other] = [new FakeTable('old'), new FakeTable('other')];
  const records = [0, 1, 2].map(recordAt);
  const rowOf: RowOf<FakeRow> = ({ offset }) => ({ row: { id: offset, taken: 'taken' }, bytes: 1 });
  const committed = new Map<string, unknown>();
  const first = new CommittedWriter(old, rowOf, fits, log);
  await first.write(records, { state: stateIn(committed), only: () => undefined });
  await first.write(records, { state: stateIn(new Map(committed)), only: () => undefined });
  assert.deepEqual(old.rows, [0, 1, 2], 'appended, and killed before the commit');

  const both: WriteStreams<FakeRow> = {
    table: 'other',
    create: () => other.create(),
    append: (...given) => other.append(...given),
    // By its name a stream of any table can be sealed.
    seal: (name) => (name.startsWith('old/') ? old : other).seal(name),
    close: () => undefined,
  };
  const second = new CommittedWriter(both, rowOf, fits, log);
  const resumed = { state: stateIn(committed), only: () => undefined };
  await second.write(records, resumed);
  await second.write(records, resumed);
  assert.deepEqual(other.rows, [0, 1, 2]);
});
