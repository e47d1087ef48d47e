/** Takes records in: validates, joins predictions with what people made of them, and accounts for each record. */
import { ErrataError } from '../messages/errata_error.ts';
import { defineActor } from './actor.ts';
import { CaptureConfig } from './capture_config.ts';

export const capture = defineActor({
  kind: 'capture',
  summary: 'Validates predictions and feedback, joins them by prediction id and scores them.',
  example: 'capture: { from: [predictions, feedback], join: { wait: 24h } }',
  partitioning: 'prediction_id',
  config: CaptureConfig,
  inputs: { records: 'source_record' },
  outputs: {
    events: { message: 'event', summary: 'one per feedback message and one per prediction, for windows' },
    outcomes: { message: 'outcome', summary: 'what became of each prediction; only with `outcomes: true`' },
  },
  create() {
    throw new ErrataError('E_NOT_BUILT', 'this actor has no behaviour yet');
  },
});
