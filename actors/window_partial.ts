/** The local half of a window: sums events up where they are and hands on one delta per slice of time, key and commit. */
import { parseDuration } from '../messages/duration.ts';
import { entryOf } from '../messages/entry_of.ts';
import type { Event } from '../messages/event.ts';
import { type Actor, type Context, defineActor } from './actor.ts';
import { addEvent, emptyAggregate, lean, mergeAggregate } from './aggregate.ts';
import { addPrediction, firstStep, stepOf } from './completeness.ts';
import { WindowColumns } from './window_columns.ts';
import { WindowConfig } from './window_config.ts';
import {
  bringsAnything,
  dueAt,
  keyOf,
  type WholeDelta,
  type WindowDelta,
  windowKey,
} from './window_delta.ts';
import { type WindowKind, windowKind } from './window_kind.ts';

export const windowPartial = defineActor({
  kind: 'window_partial',
  internal: true,
  summary: 'Forms partial aggregates of a window next to the events, so that only they cross the network.',
  example: 'planned by itself in front of every window',
  partitioning: 'prediction_id',
  config: WindowConfig,
  inputs: { events: 'event' },
  outputs: { deltas: { message: 'window_delta', summary: 'what to add to a window' } },
  create: (config) => new WindowPartial(config),
});

/** The deltas of one key, by where their slices begin. */
type Slices = Map<number, WholeDelta>;

class WindowPartial implements Actor {
  readonly #config: WindowConfig;
  readonly #kind: WindowKind;
  readonly #slice_ms: number;
  readonly #lateness_ms: number;
  readonly #step_ms: number;
  readonly scanned: WindowColumns;
  /** What came since the last commit: by the first field of the key, by the second. */
  readonly #deltas = new Map<string, Map<string, Slices>>();
  #due_ms = Number.POSITIVE_INFINITY;

  constructor(config: WindowConfig) {
    const kind = windowKind(config);
    this.#config = config;
    this.#kind = kind;
    this.#slice_ms = kind.slice_ms;
    this.#step_ms = stepOf(kind);
    this.#lateness_ms = parseDuration(config.lateness);
    this.scanned = new WindowColumns(config, kind);
  }

  onMessage(_input: string, message: unknown, context: Context): void {
    const event = message as Event;
    const is_counted = this.#config.over === 'all' || event.origin === 'feedback';
    if (!is_counted && !event.is_joinable) return;
    const delta = this.#deltaFor(event, context);
    const weight = event.op === 'add' ? 1 : -1;
    if (event.is_joinable) {
      const first_step = firstStep(this.#kind, delta.start_ms);
      const when = { time_ms: event.time_ms, step_ms: this.#step_ms, first_step };
      delta.aggregate.predictions ??= {};
      addPrediction(delta.aggregate.predictions, when, weight);
    }
    if (!is_counted) return;
    delta.represents += weight;
    addEvent(delta.aggregate, event, this.#config);
  }

  holdsBack(): number {
    return Math.min(this.#due_ms, this.scanned.due_ms);
  }

  /** One delta per slice, key and commit, whichever way its events came. */
  onCommit(context: Context): void {
    const is_mixed = this.#deltas.size > 0;
    for (const { name, delta } of this.scanned.take()) {
      const known = is_mixed && this.#slicesOf(delta.key).get(delta.start_ms);
      if (known) addTo(known, delta);
      else context.emit('deltas', name, delta);
    }
    for (const delta of this.#gathered())
      if (bringsAnything(delta))
        context.emit('deltas', windowKey(delta.key), { ...delta, aggregate: lean(delta.aggregate) });
    this.#deltas.clear();
    this.#due_ms = Number.POSITIVE_INFINITY;
  }

  *#gathered(): Iterable<WholeDelta> {
    for (const second of this.#deltas.values()) for (const slices of second.values()) yield* slices.values();
  }

  #deltaFor(event: Event, context: Context): WholeDelta {
    const start_ms = Math.floor(event.time_ms / this.#slice_ms) * this.#slice_ms;
    const slices = this.#slicesOf(event);
    let delta = slices.get(start_ms);
    if (!delta) {
      const key = keyOf(event, this.#config.by);
      const end_ms = start_ms + this.#slice_ms;
      delta = { key, start_ms, end_ms, represents: 0, aggregate: emptyAggregate() };
      slices.set(start_ms, delta);
      this.#due_ms = Math.min(this.#due_ms, dueAt(end_ms, this.#lateness_ms, context.watermark_ms));
    }
    return delta;
  }

  #slicesOf(fields: WindowDelta['key']): Slices {
    const [first, second] = this.#config.by;
    const by_first = entryOf(this.#deltas, fields[first!]!, () => new Map<string, Slices>());
    return entryOf(by_first, second ? fields[second]! : '', () => new Map<number, WholeDelta>());
  }
}

function addTo(known: WholeDelta, delta: WindowDelta): void {
  known.represents += delta.represents;
  mergeAggregate(known.aggregate, delta.aggregate, Number.POSITIVE_INFINITY);
}
