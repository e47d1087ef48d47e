/**
 * Drops the repetitions of what a connector brought in. A connector writes at least once, so a record stands twice in the
 * ingest topic where the other side sent it again, or where a process died; both have the id and hence the partition in common.
 */
import { type Static, Type } from 'typebox';
import { Duration, parseDuration } from '../messages/duration.ts';
import { type Actor, type Context, defineActor, type SourceRecord } from './actor.ts';

/** Header under which a connector's records carry their id, up to this actor. */
export const ID_HEADER = 'errata.id';

const DedupeConfig = Type.Object(
  { window: Duration({ default: '1h', description: 'how long a record is remembered' }) },
  { additionalProperties: false },
);

export const dedupe = defineActor({
  kind: 'dedupe',
  internal: true,
  keeps_state: true,
  summary: 'Passes each record of a connector on once, unchanged.',
  example: 'planned by itself behind a source with `dedupe`',
  partitioning: 'prediction_id',
  config: DedupeConfig,
  inputs: { records: 'source_record' },
  outputs: { records: { message: 'source_record', summary: 'the same records, each once' } },
  create: dedupeActor,
});

interface Seen {
  expires_ms: number;
}

/**
 * Time is that of the records: after a standstill, what was seen before it is still remembered. An old record that comes late,
 * out of a backlog, is remembered from when it came.
 */
function dedupeActor(config: Static<typeof DedupeConfig>): Actor {
  const window_ms = parseDuration(config.window);
  return {
    onMessage(_input: string, message: unknown, context: Context): void {
      const record = message as SourceRecord;
      const { [ID_HEADER]: id, ...headers } = record.headers;
      context.observe(record.timestamp_ms);
      if (id !== undefined) {
        const is_repeated = context.expiring.get<Seen>(id) !== undefined;
        if (is_repeated) {
          context.count(record.source, 'duplicate', 1);
          return;
        }
        context.expiring.set<Seen>(id, {
          expires_ms: Math.max(record.timestamp_ms, context.watermark_ms) + window_ms,
        });
      }
      context.emit('records', id ?? `${record.partition}/${record.offset}`, { ...record, headers });
      context.count(record.source, 'passed_on', 1);
    },
  };
}
