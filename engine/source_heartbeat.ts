/** Which records of a source are heartbeats: those that may move event time without being taken in. */
import { parseDuration } from '../messages/duration.ts';
import { HEARTBEAT_HEADER } from '../messages/heartbeat.ts';
import type { LogRecord } from './partition_reader.ts';
import type { InputPlan, StagePlan } from './plan.ts';

const MAX_AHEAD_DEFAULT_MS = 600_000;

/**
 * The event time of a heartbeat, or null for what is none: a record with a value, or whose time is no number or
 * more than `max_ahead_ms` after the record was written. One from 2099 would make everything after it late.
 */
export function heartbeatTime(record: LogRecord, max_ahead_ms: number, now_ms: number): number | null {
  const text = record.headers[HEARTBEAT_HEADER]?.trim();
  if (record.value !== null || !text) return null;
  const time_ms = Number(text);
  const written_ms = record.timestamp_ms >= 0 ? record.timestamp_ms : now_ms;
  return Number.isFinite(time_ms) && time_ms <= written_ms + max_ahead_ms ? time_ms : null;
}

/** How far event times of an input may be ahead: as its first actor is told. */
export function maxAheadOf(stage: StagePlan, input: InputPlan): number {
  const actor = stage.actors.find(({ name }) => name === input.actor);
  // It is for whoever reads what is passed on.
  if (actor?.kind === 'dedupe') return Number.NEGATIVE_INFINITY;
  const config = actor?.config;
  if (typeof config !== 'object' || config === null || !('max_ahead' in config)) return MAX_AHEAD_DEFAULT_MS;
  return parseDuration(String(config.max_ahead));
}
