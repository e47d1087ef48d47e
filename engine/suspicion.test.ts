import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Held } from './in_hand.ts';
import { Care, type Suspicion, suspect } from './suspicion.ts';

/** What a record does to its task: nothing, or end it when it is taken, or with the commit that would hold it. */
type Kind = 'fine' | 'at_once' | 'at_commit';

const PER_TURN = 64;
const REASON = { code: 'killed_its_task', message: 'it died' };

/** A log, its task, which dies as its records say, and the supervisor, which starts it again. */
class Played {
  readonly set_aside: number[] = [];
  readonly processed: number[] = [];
  deaths = 0;
  readonly #log: readonly Kind[];
  /** Turns between commits where nothing is suspect. */
  readonly #turns: number;
  #committed = 0;
  #suspicion: Suspicion | undefined;

  constructor(log: readonly Kind[], turns: number) {
    this.#log = log;
    this.#turns = turns;
  }

  run(): void {
    for (let death = this.#live(); death; death = this.#live()) {
      this.deaths += 1;
      assert.ok(this.deaths < 10 * this.#log.length, 'it dies for ever');
      this.#suspicion = suspect(this.#suspicion, { task: 't/0', topic: 't', ...death }, REASON);
    }
  }

  /** From the committed offset on; what it had in hand when it died, or null at the end of the log. */
  #live(): Omit<Held, 'task' | 'topic'> | null {
    const care = new Care(this.#suspicion ?? null);
    let [position, offset, turns] = [this.#committed, 0, 0];
    let aside: number[] = [];
    while (this.#committed < this.#log.length) {
      const most = care.is_needed ? 1 : PER_TURN;
      offset = position;
      const held = { offset, records: position - this.#committed + most, is_one: most === 1 };
      care.stepped();
      for (let turn = 0; turn < most && position < this.#log.length; turn++, position++) {
        if (care.condemns('t', position)) aside.push(position);
        else if (this.#log[position] === 'at_once') return held;
      }
      turns += 1;
      if (!care.wants_commit && turns % this.#turns > 0 && position < this.#log.length) continue;
      const taken = range(this.#committed, position).filter((at) => !aside.includes(at));
      if (taken.some((at) => this.#log[at] === 'at_commit'))
        return { offset, records: position - this.#committed, is_one: care.steps === 1 };
      this.#committed = position;
      this.set_aside.push(...aside);
      this.processed.push(...taken);
      aside = [];
      if (care.committed(() => this.#committed)) this.#suspicion = undefined;
    }
    return null;
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

const KIND = fc.oneof(
  { weight: 60, arbitrary: fc.constant<Kind>('fine') },
  { weight: 1, arbitrary: fc.constant<Kind>('at_once') },
  { weight: 1, arbitrary: fc.constant<Kind>('at_commit') },
);

test('exactly the records that kill are set aside, and every other is processed exactly once', () => {
  fc.assert(
    fc.property(fc.array(KIND, { maxLength: 600 }), fc.integer({ min: 1, max: 20 }), (log, turns) => {
      const played = new Played(log, turns);
      played.run();
      const killers = range(0, log.length).filter((at) => log[at] !== 'fine');
      assert.deepEqual(played.set_aside, killers);
      assert.deepEqual(
        played.processed,
        range(0, log.length).filter((at) => log[at] === 'fine'),
      );
      assert.ok(played.deaths <= 4 * killers.length, `${played.deaths} deaths for ${killers.length} records`);
    }),
    { numRuns: 300 },
  );
});

test('a record that kills when it is taken costs two deaths; one that kills with its commit among 20,000 costs four', () => {
  const deaths = (kind: Kind, length: number) => {
    const played = new Played(
      range(0, length).map((at) => (at === length - 7 ? kind : 'fine')),
      1_000,
    );
    played.run();
    assert.deepEqual(played.set_aside, [length - 7]);
    return played.deaths;
  };
  assert.equal(deaths('at_once', 20_000), 2);
  assert.equal(deaths('at_commit', 20_000), 4);
});

test('of records that are being written one is set aside only if it was alone in hand at two deaths in succession', () => {
  const held = (offset: number, records: number, is_one: boolean): Held => ({
    ...{ task: 't/0', topic: 't', offset, records, is_one, is_under_way: true },
  });
  let suspicion = suspect(undefined, held(0, 20, false), REASON);
  suspicion = suspect(suspicion, held(7, 1, true), REASON);
  assert.equal(suspicion.type, 'among', 'what came before it may kill late');
  suspicion = suspect(suspicion, held(8, 1, true), REASON);
  assert.equal(suspicion.type, 'among', 'another one');
  suspicion = suspect(suspicion, held(8, 1, false), REASON);
  assert.equal(suspicion.type, 'among', 'others were written meanwhile');
  suspicion = suspect(suspicion, held(8, 1, true), REASON);
  suspicion = suspect(suspicion, held(8, 1, true), REASON);
  assert.deepEqual(suspicion, { type: 'found', topic: 't', offset: 8, reason: REASON });
});

test('one death alone sets nothing aside, and what has survived is suspect no more', () => {
  const held: Held = { task: 't/0', topic: 't', offset: 5, records: 1, is_one: true };
  const suspicion = suspect(undefined, held, REASON);
  assert.deepEqual(suspicion, { type: 'among', records: 1 });
  const care = new Care(suspicion);
  assert.equal(care.condemns('t', 5), null);
  for (let step = 0; care.is_needed; step++) {
    assert.ok(step < 100);
    care.stepped();
    care.committed(() => 6);
  }
  for (let step = 0; step < 100; step++) care.stepped();
  assert.equal(care.wants_commit, false);
});

test('with the record out of the way, commits are as rare as before', () => {
  const care = new Care({ type: 'found', topic: 't', offset: 5, reason: REASON });
  care.stepped();
  assert.deepEqual(care.condemns('t', 6), REASON);
  assert.equal(care.wants_commit, true);
  assert.equal(
    care.committed(() => 7),
    true,
  );
  care.stepped();
  assert.deepEqual([care.wants_commit, care.is_needed, care.condemns('t', 7)], [false, false, null]);
});

test('a record that another process has dealt with meanwhile is not waited for', () => {
  const care = new Care({ type: 'found', topic: 't', offset: 5, reason: REASON });
  assert.equal(care.condemns('other', 7), null);
  assert.equal(
    care.committed(() => 9),
    true,
  );
  assert.equal(care.condemns('t', 9), null);
});
