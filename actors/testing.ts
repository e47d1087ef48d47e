/**
 * One task in memory, for tests: runs fused actors on messages and gathers what they do. It keeps the contract of
 * actor.ts as the engine does, and checks that state is JSON and is changed only by `set`.
 */
import { isDeepStrictEqual } from 'node:util';
import { Ajv } from 'ajv';
import { ErrataError } from '../messages/errata_error.ts';
import type {
  Actor,
  ActorKind,
  BadRecord,
  Context,
  Expiring,
  ExpiringState,
  KeyFields,
  SourceRecord,
  State,
} from './actor.ts';

export interface ActorWiring {
  name: string;
  kind: ActorKind;
  /** Completed by the kind's defaults. */
  config?: object;
  /** Where its outputs go; what is not connected is gathered. */
  to?: Record<string, { actor: string; input: string }>;
}

export interface Emission {
  actor: string;
  output: string;
  key: string;
  value: unknown;
}

export interface TestTaskOptions {
  topology?: string;
  now_ms?: number;
  isAtHome?(ids: KeyFields): boolean;
}

/** Not strict: it would mind the defaults inside a choice, which it cannot fill in. */
const ajv = new Ajv({ useDefaults: true, strict: false });

/** Throws E_ACTOR_CONTRACT where an actor, or a test, breaks what actor.ts says. */
function ensure(condition: boolean, message: string): asserts condition {
  if (!condition) throw new ErrataError('E_ACTOR_CONTRACT', message);
}

/** The configuration as an actor gets it. Fails where `given` does not fit the kind's schema. */
export function configOf(kind: ActorKind, given: object = {}): unknown {
  const config = structuredClone(given);
  ensure(ajv.validate(kind.config, config), `config of ${kind.kind}: ${ajv.errorsText()}`);
  return config;
}

export class TestTask {
  readonly emissions: Emission[] = [];
  /** What went from actor to actor. */
  readonly handed_on: Emission[] = [];
  readonly dead_letters: { record: SourceRecord; reason: BadRecord }[] = [];
  readonly late: { key: string; value: unknown; code: string }[] = [];
  /** Account → disposition → records. */
  readonly ledger: Record<string, Record<string, number>> = {};
  observed_ms: number[] = [];
  watermark_ms = Number.NEGATIVE_INFINITY;
  readonly #actors = new Map<
    string,
    { actor: Actor; context: Context; state: CheckedState; expiring: CheckedState }
  >();
  #timers: { time_ms: number; actor: string; key: string }[] = [];

  constructor(wirings: ActorWiring[], options: TestTaskOptions = {}) {
    for (const wiring of wirings) this.#add(wiring, options);
  }

  #add({ name, kind, config, to = {} }: ActorWiring, options: TestTaskOptions): void {
    const { topology = 'test', now_ms = 0, isAtHome = () => true } = options;
    const task = this;
    const [state, expiring] = [new CheckedState(), new CheckedState()];
    const context: Context = {
      now_ms,
      get watermark_ms() {
        return task.watermark_ms;
      },
      state,
      expiring,
      emit(output, key, value) {
        ensure(output in kind.outputs, `${kind.kind} has no output ${output}`);
        const target = to[output];
        const emission = { actor: name, output, key, value: JSON.parse(JSON.stringify(value)) };
        (target ? task.handed_on : task.emissions).push(emission);
        if (target) task.send(target.actor, target.input, value);
      },
      setTimer(time_ms, key) {
        ensure(Number.isFinite(time_ms), `timer ${key} has no time`);
        const is_set = task.#timers.some(
          (timer) => timer.time_ms === time_ms && timer.actor === name && timer.key === key,
        );
        if (!is_set) task.#timers.push({ time_ms, actor: name, key });
      },
      observe: (time_ms) => task.observed_ms.push(time_ms),
      isAtHome,
      count(account, disposition, delta) {
        task.ledger[account] ??= {};
        const counts = task.ledger[account];
        counts[disposition] = (counts[disposition] ?? 0) + delta;
      },
      deadLetter: (record, reason) => task.dead_letters.push({ record, reason }),
      late: (key, value, code = 'late') => task.late.push({ key, value, code }),
    };
    const actor = kind.create(configOf(kind, config), { topology, actor: name });
    this.#actors.set(name, { actor, context, state, expiring });
  }

  send(actor: string, input: string, message: unknown): void {
    const running = this.#actors.get(actor)!;
    running.actor.onMessage(input, message, running.context);
  }

  advance(watermark_ms: number): void {
    if (watermark_ms <= this.watermark_ms) return;
    for (const { actor, context } of this.#actors.values())
      if (actor.holdsBack && actor.holdsBack() <= watermark_ms) actor.onCommit?.(context);
    this.watermark_ms = watermark_ms;
    for (;;) {
      const timer = this.#takeDue();
      if (!timer) break;
      const { actor, context } = this.#actors.get(timer.actor)!;
      actor.onTimer?.(timer.key, timer.time_ms, context);
    }
    for (const { actor, context } of this.#actors.values()) actor.onWatermark?.(context);
    for (const { actor, context, expiring } of this.#actors.values())
      for (const [key, value] of expiring.takeExpired(watermark_ms)) actor.onExpired?.(key, value, context);
  }

  #takeDue() {
    this.#timers.sort((a, b) => a.time_ms - b.time_ms || (a.actor + a.key < b.actor + b.key ? -1 : 1));
    return this.#timers[0] && this.#timers[0].time_ms <= this.watermark_ms ? this.#timers.shift() : undefined;
  }

  /** All inputs have been read to their end. */
  allRead(): void {
    const reached_ms = this.watermark_ms;
    this.watermark_ms = Number.POSITIVE_INFINITY;
    for (const { actor, context } of this.#actors.values()) actor.onWatermark?.(context);
    this.watermark_ms = reached_ms;
  }

  /** Commits, and takes out what was emitted since the last commit. */
  commit(): Emission[] {
    for (const { actor, context } of this.#actors.values()) actor.onCommit?.(context);
    for (const { state, expiring } of this.#actors.values()) for (const one of [state, expiring]) one.check();
    return this.emissions.splice(0);
  }

  /** Values that were emitted to an output and not yet taken out. */
  emitted<Message>(output: string): Message[] {
    return this.emissions
      .filter((emission) => emission.output === output)
      .map(({ value }) => value as Message);
  }

  stateKeys(actor: string): string[] {
    const { state, expiring } = this.#actors.get(actor)!;
    return [state, expiring].flatMap((one) => [...one.entries('')].map(([key]) => key));
  }
}

/** Like the engine's, `get` returns the value itself; a change to it without a `set` is found at the commit. */
class CheckedState implements State, ExpiringState {
  readonly bytes = null;
  readonly #entries = new Map<string, { value: unknown; json: string }>();

  get<Value>(key: string): Value | undefined {
    return this.#entries.get(key)?.value as Value | undefined;
  }

  set<Value>(key: string, value: Value): void {
    const json = JSON.stringify(value);
    ensure(isDeepStrictEqual(JSON.parse(json), value), `state of ${key} is not JSON`);
    this.#entries.set(key, { value, json });
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  *entries<Value>(prefix: string): Iterable<[string, Value]> {
    for (const [key, { value }] of this.#entries) if (key.startsWith(prefix)) yield [key, value as Value];
  }

  /** Of a state whose entries expire: those that have, by time and key. */
  takeExpired(watermark_ms: number): [string, Expiring][] {
    const expired = [...this.entries<Expiring>('')].filter(
      ([, { expires_ms }]) => expires_ms <= watermark_ms,
    );
    for (const [key] of expired) this.#entries.delete(key);
    return expired.sort(([a, { expires_ms: x }], [b, { expires_ms: y }]) => x - y || (a < b ? -1 : 1));
  }

  check(): void {
    for (const [key, { value, json }] of this.#entries) {
      ensure(JSON.stringify(value) === json, `state of ${key} was changed without set`);
    }
  }
}

/** A record of a source as it comes, with defaults that suit most tests. */
export function sourceRecord(value: unknown, given: Partial<SourceRecord> = {}): SourceRecord {
  const is_raw = Buffer.isBuffer(value) || value === null;
  return {
    source: 'records',
    topic: 'records',
    partition: 0,
    offset: 0,
    timestamp_ms: 4e12,
    key: null,
    value: is_raw ? value : Buffer.from(JSON.stringify(value)),
    headers: {},
    ...given,
  };
}
