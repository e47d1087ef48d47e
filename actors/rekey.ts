/** Sends the records of a source that declares no key to the partition that their prediction id belongs to. */
import { Type } from 'typebox';
import { Duration } from '../messages/duration.ts';
import { ErrataError } from '../messages/errata_error.ts';
import { defineActor } from './actor.ts';

export const rekey = defineActor({
  kind: 'rekey',
  internal: true,
  summary: 'Keys the records of a source by prediction id, unchanged otherwise.',
  example: 'planned by itself in front of a source without `key:`',
  partitioning: 'prediction_id',
  config: Type.Object(
    {
      max_ahead: Duration({ default: '10m', description: 'as that of the capture actor behind it' }),
      max_record_bytes: Type.Integer({ minimum: 1, default: 1_048_576, description: 'likewise' }),
    },
    { additionalProperties: false },
  ),
  inputs: { records: 'source_record' },
  outputs: { records: { message: 'source_record', summary: 'the same records, keyed by prediction id' } },
  create() {
    throw new ErrataError('E_NOT_BUILT', 'this actor has no behaviour yet');
  },
});
