/**
 * Session windows: as long as events of a key keep coming less than a gap apart. Which sessions there are follows from
 * the slices that hold events, so events that come late join sessions, and events that are taken back part them.
 *
 * 1. A session is known by where it starts. One that has been told and is no more, because it was joined to an earlier
 *    one or now starts elsewhere, is told once more, empty: whoever judged it takes that back.
 * 2. A session that was told and goes on, because of what came late, is told anew at its new end, or, where that would
 *    be after everybody forgot it, provisionally before.
 * 3. A slice is settled once nothing that comes could be next to it in a session. What is settled is summed up, or
 *    forgotten with its session: a session that never ends takes no more room than its last hours.
 */
import { parseDuration } from '../messages/duration.ts';
import type { Actor, ActorScope, Context } from './actor.ts';
import { type Aggregate, emptyAggregate, isEmpty, mergeAggregate } from './aggregate.ts';
import { byKey } from './fixed_windows.ts';
import { OpenWindows } from './open_windows.ts';
import { type Part, placeOf, type Session, sessionsOf, spans } from './sessions.ts';
import type { WindowConfig } from './window_config.ts';
import { bringsAnything, bringsEvents, type WindowDelta, windowKey } from './window_delta.ts';
import { provisionalMs, type SessionKind } from './window_kind.ts';
import { ResultWriter } from './window_result.ts';

/** What was said of a session. */
interface Told {
  start_ms: number;
  end_ms: number;
  revision: number;
  is_final: boolean;
  /** False once it was told empty. */
  stands: boolean;
  /** Something came since then. */
  is_changed: boolean;
}

/** State `k|{window key}`; what a part holds stands under `p|{first_ms}|{window key}`. */
interface KeyState {
  key: WindowDelta['key'];
  /** By time. */
  parts: Part[];
  told: Told[];
}

/** The state key of a `KeyState`, and the timer at which sessions end and slices settle. */
const ENDS = 'k|';
/** The timer at which provisional results are told. */
const PROVISIONAL = 't|';

export class SessionWindows implements Actor {
  readonly #config: WindowConfig;
  readonly #kind: SessionKind;
  readonly #account: string;
  readonly #lateness_ms: number;
  readonly #provisional_ms: number | null;
  readonly #open_windows: OpenWindows;
  readonly #writer: ResultWriter;
  /** The key in hand has other parts, or was told otherwise, than its state says. */
  #is_dirty = false;

  constructor(config: WindowConfig, kind: SessionKind, scope: ActorScope) {
    this.#config = config;
    this.#kind = kind;
    this.#account = scope.actor;
    this.#lateness_ms = parseDuration(config.lateness);
    this.#provisional_ms = provisionalMs(config);
    this.#open_windows = new OpenWindows(scope.actor, config.max_open_windows);
    this.#writer = new ResultWriter(config, scope);
  }

  onMessage(_input: string, message: unknown, context: Context): void {
    const delta = message as WindowDelta;
    if (this.#endOf(delta.start_ms) + this.#lateness_ms <= context.watermark_ms) {
      this.#open_windows.tooLate(delta, context);
      return;
    }
    const name = windowKey(delta.key);
    const known = context.state.get<KeyState>(ENDS + name) ?? { key: delta.key, parts: [], told: [] };
    this.#is_dirty = false;
    if (!this.#add(delta, name, known, context)) return;
    context.count(this.#account, 'windowed', delta.represents);
    if (bringsEvents(delta)) this.#tell(name, known, 'ended', context);
    this.#keep(name, known, context);
  }

  onTimer(timer_key: string, time_ms: number, context: Context): void {
    const name = timer_key.slice(ENDS.length);
    const known = context.state.get<KeyState>(ENDS + name);
    if (!known) return;
    this.#is_dirty = false;
    if (timer_key.startsWith(PROVISIONAL)) {
      this.#tell(name, known, 'all', context);
      this.#setProvisional(name, known, time_ms, context);
    } else {
      this.#tell(name, known, 'ended', context);
      this.#settle(name, known, context);
    }
    this.#keep(name, known, context);
  }

  onWatermark(context: Context): void {
    if (context.watermark_ms !== Number.POSITIVE_INFINITY) return;
    for (const [state_key, known] of [...context.state.entries<KeyState>(ENDS)].sort(byKey)) {
      const name = state_key.slice(ENDS.length);
      this.#is_dirty = false;
      this.#tell(name, known, 'ended', context);
      this.#keep(name, known, context);
    }
  }

  #endOf(last_ms: number): number {
    return last_ms + this.#kind.slice_ms + this.#kind.gap_ms;
  }

  /** Adds to the slice; false where it was refused. */
  #add(delta: WindowDelta, name: string, known: KeyState, context: Context): boolean {
    const part_key = `p|${delta.start_ms}|${name}`;
    const place = placeOf(known.parts, delta.start_ms);
    let part = known.parts[place];
    if (part?.first_ms !== delta.start_ms) {
      if (!this.#open_windows.open(delta, context)) return false;
      part = { first_ms: delta.start_ms, last_ms: delta.start_ms, has_events: false };
      known.parts.splice(place, 0, part);
      this.#is_dirty = true;
      this.#setTimers(name, delta.start_ms, context);
    }
    const aggregate = context.state.get<Aggregate>(part_key) ?? emptyAggregate();
    mergeAggregate(aggregate, delta.aggregate, this.#config.max_pattern_keys);
    this.#mark(part, { has_events: !isEmpty(aggregate) });
    if (bringsEvents(delta))
      for (const told of known.told)
        if (told.start_ms <= delta.start_ms && delta.start_ms < told.end_ms)
          this.#mark(told, { is_changed: true });
    if (bringsAnything({ ...delta, represents: 0, aggregate })) context.state.set(part_key, aggregate);
    else this.#drop(known, part, name, context);
    return true;
  }

  #mark<Of extends object>(of: Of, change: Partial<Of>): void {
    for (const name in change) this.#is_dirty ||= of[name] !== change[name];
    Object.assign(of, change);
  }

  #drop(known: KeyState, part: Part, name: string, context: Context): void {
    this.#is_dirty = true;
    known.parts.splice(known.parts.indexOf(part), 1);
    context.state.delete(`p|${part.first_ms}|${name}`);
    this.#open_windows.close(context);
  }

  #setTimers(name: string, start_ms: number, context: Context): void {
    const end_ms = this.#endOf(start_ms);
    if (end_ms > context.watermark_ms) {
      context.setTimer(end_ms, ENDS + name);
      if (this.#provisional_ms !== null)
        context.setTimer(this.#tickAfter(Math.max(start_ms, context.watermark_ms)), PROVISIONAL + name);
    }
    context.setTimer(this.#settledAt(end_ms), ENDS + name);
  }

  /** A slice that could be next to one that ends at `end_ms` would be too late from here on. */
  #settledAt(end_ms: number): number {
    return end_ms + this.#kind.gap_ms + this.#lateness_ms;
  }

  #tickAfter(time_ms: number): number {
    return (Math.floor(time_ms / this.#provisional_ms!) + 1) * this.#provisional_ms!;
  }

  /** Goes on for as long as a session is open. */
  #setProvisional(name: string, { parts }: KeyState, time_ms: number, context: Context): void {
    const after_ms = Math.max(time_ms, context.watermark_ms);
    const next_ms = this.#tickAfter(after_ms);
    if (sessionsOf(parts, this.#kind).some(({ end_ms }) => end_ms > next_ms))
      context.setTimer(next_ms, PROVISIONAL + name);
  }

  /** Says what has changed of the sessions that have ended, or of all. */
  #tell(name: string, known: KeyState, which: 'ended' | 'all', context: Context): void {
    const { watermark_ms } = context;
    const sessions = sessionsOf(known.parts, this.#kind);
    const isDue = ({ end_ms }: Session, told: Told | undefined) =>
      which === 'all' ||
      end_ms <= watermark_ms ||
      (told?.stands === true && this.#settledAt(told.end_ms) <= watermark_ms);
    for (const told of known.told) {
      if (!told.stands || sessions.some(({ start_ms }) => start_ms === told.start_ms)) continue;
      const successor = sessions.find((session) => spans(session, told.start_ms));
      if (!successor || isDue(successor, told)) this.#tellGone(known, told, context);
    }
    for (const session of sessions) {
      const told = known.told.find(({ start_ms }) => start_ms === session.start_ms);
      if (isDue(session, told) && !isSaid(session, told, watermark_ms))
        this.#tellSession(name, known, session, told, context);
    }
  }

  #tellSession(
    name: string,
    known: KeyState,
    session: Session,
    told: Told | undefined,
    context: Context,
  ): void {
    const { start_ms, end_ms } = session;
    const said: Told = {
      start_ms,
      end_ms,
      revision: (told?.revision ?? -1) + 1,
      is_final: end_ms <= context.watermark_ms,
      stands: true,
      is_changed: false,
    };
    this.#is_dirty = true;
    if (told) Object.assign(told, said);
    else known.told.push(said);
    this.#emit(known, said, this.#sumOf(name, known, session, context), context);
  }

  #tellGone(known: KeyState, told: Told, context: Context): void {
    this.#mark(told, { revision: told.revision + 1, stands: false, is_changed: false, is_final: true });
    this.#emit(known, told, emptyAggregate(), context);
  }

  #emit(
    { key }: KeyState,
    { start_ms, end_ms, revision, is_final }: Told,
    aggregate: Aggregate,
    context: Context,
  ) {
    const result = this.#writer.resultOf(
      { key, start_ms, end_ms, revision, aggregate },
      context.watermark_ms,
    );
    context.emit('windows', windowKey(key), { ...result, final: is_final });
  }

  #sumOf(name: string, { parts }: KeyState, session: Session, context: Context): Aggregate {
    const sum = emptyAggregate();
    for (const { first_ms } of parts.filter((part) => spans(session, part.first_ms)))
      mergeAggregate(
        sum,
        context.state.get<Aggregate>(`p|${first_ms}|${name}`)!,
        this.#config.max_pattern_keys,
      );
    return sum;
  }

  /** Much smaller than the sums is the list of slices, but still it is written only when it has changed. */
  #keep(name: string, known: KeyState, context: Context): void {
    if (!this.#is_dirty) return;
    if (known.parts.length === 0 && known.told.length === 0) context.state.delete(ENDS + name);
    else context.state.set(ENDS + name, known);
  }

  #settle(name: string, known: KeyState, context: Context): void {
    const isSettled = (last_ms: number) => this.#settledAt(this.#endOf(last_ms)) <= context.watermark_ms;
    const sessions = sessionsOf(known.parts, this.#kind);
    for (const part of known.parts.filter(({ last_ms }) => isSettled(last_ms))) {
      const session = sessions.find((one) => spans(one, part.first_ms));
      if (!session || isSettled(session.last_ms)) this.#drop(known, part, name, context);
      else if (part.first_ms > session.start_ms) this.#join(known, part, name, context);
    }
    const before = known.told.length;
    known.told = known.told.filter(({ start_ms, end_ms, stands }) => {
      const session = stands && sessions.find((one) => spans(one, start_ms));
      return session ? !isSettled(session.last_ms) : this.#settledAt(end_ms) > context.watermark_ms;
    });
    this.#is_dirty ||= known.told.length < before;
  }

  /** Sums a settled part up with the one before it in its session, which is settled too. */
  #join(known: KeyState, part: Part, name: string, context: Context): void {
    const before = known.parts[known.parts.indexOf(part) - 1]!;
    const [into, from] = [`p|${before.first_ms}|${name}`, `p|${part.first_ms}|${name}`];
    const sum = context.state.get<Aggregate>(into)!;
    mergeAggregate(sum, context.state.get<Aggregate>(from)!, this.#config.max_pattern_keys);
    context.state.set(into, sum);
    if (part.has_events) this.#mark(before, { last_ms: part.last_ms });
    this.#drop(known, part, name, context);
  }
}

/** True where nobody would learn anything new. */
function isSaid({ end_ms }: Session, told: Told | undefined, watermark_ms: number): boolean {
  if (!told?.stands || told.is_changed || told.end_ms !== end_ms) return false;
  return told.is_final || end_ms > watermark_ms;
}
