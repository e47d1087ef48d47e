/** What the local half of a window hands to the half that keeps the windows. */
import type { Event } from '../messages/event.ts';
import { type Aggregate, isEmpty, type LeanAggregate } from './aggregate.ts';
import type { KeyField } from './window_config.ts';

export interface WindowDelta {
  /** The fields that the window is grouped by. */
  key: Partial<Record<KeyField, string>>;
  /** A slice of time (window_kind.ts): where windows tumble, the window. */
  start_ms: number;
  end_ms: number;
  /** Events added less events taken back: what the ledger counts. */
  represents: number;
  aggregate: LeanAggregate;
}

/** While it is gathered. */
export type WholeDelta = WindowDelta & { aggregate: Aggregate };

/** The Kafka key of everything about one window key, and its part in state keys. */
export function windowKey(key: WindowDelta['key']): string {
  return JSON.stringify(Object.values(key));
}

export function keyOf(event: Event, by: readonly KeyField[]): WindowDelta['key'] {
  return Object.fromEntries(by.map((field) => [field, event[field]]));
}

/** True where it changes what a window tells of events. */
export function bringsEvents({ represents, aggregate }: WindowDelta): boolean {
  return represents !== 0 || !isEmpty(aggregate);
}

export function bringsAnything(delta: WindowDelta): boolean {
  return bringsEvents(delta) || Object.keys(delta.aggregate.predictions ?? {}).length > 0;
}

/** When a delta would come too late: at its end, or, where that has passed, when its window is forgotten. */
export function dueAt(end_ms: number, lateness_ms: number, watermark_ms: number): number {
  return end_ms > watermark_ms ? end_ms : end_ms + lateness_ms;
}
