/** Sends the records of a source that declares no key to the partition that their prediction id belongs to. */
import { type Static, Type } from 'typebox';
import type { Decoded } from '../messages/decode.ts';
import { Duration, parseDuration } from '../messages/duration.ts';
import { type Actor, type Context, defineActor, type SourceRecord } from './actor.ts';
import { admit, positionOf, readerOf } from './admit.ts';

const RekeyConfig = Type.Object(
  {
    max_ahead: Duration({ default: '10m', description: 'as that of the capture actor behind it' }),
    max_record_bytes: Type.Integer({ minimum: 1, default: 1_048_576, description: 'likewise' }),
  },
  { additionalProperties: false },
);

export const rekey = defineActor({
  kind: 'rekey',
  internal: true,
  summary: 'Keys the records of a source by prediction id, unchanged otherwise.',
  example: 'planned by itself in front of a source without `key:`',
  partitioning: 'prediction_id',
  config: RekeyConfig,
  inputs: { records: 'source_record' },
  outputs: { records: { message: 'source_record', summary: 'the same records, keyed by prediction id' } },
  create: rekeyActor,
});

function rekeyActor(config: Static<typeof RekeyConfig>): Actor {
  const read = readerOf('counted', config.max_record_bytes);
  const max_ahead_ms = parseDuration(config.max_ahead);
  return {
    onMessage(_input: string, message: unknown, context: Context): void {
      const record = message as SourceRecord;
      const decoded = admit(record, read, max_ahead_ms, context);
      if (decoded.kind !== 'bad') context.observe(decoded.time_ms);
      context.emit('records', keyFor(decoded) ?? positionOf(record), record);
    },
  };
}

/** What has no id is spread by its position; repetitions of one `event_id` must still meet. */
function keyFor(decoded: Decoded): string | undefined {
  if (decoded.kind === 'bad') return undefined;
  const { prediction_id, event_id } = decoded.value;
  return prediction_id ?? event_id;
}
