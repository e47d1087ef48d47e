/** The outcomes that a training job learns from, out of the records of their topic. */
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { ErrataError } from '../messages/errata_error.ts';
import type { Outcome } from '../messages/outcome.ts';
import type { LogRecord } from './partition_reader.ts';
import { readInternal } from './record_format.ts';

/** What tells a job whether an outcome concerns it; capture has checked the rest. */
const Recognisable = Type.Object({
  prediction_id: Type.String(),
  time_ms: Type.Number(),
  prediction: Type.Object({ deployment_id: Type.String() }),
});

/** Null for a watermark. Throws E_RECORD_FOREIGN for what is no outcome, E_RECORD_FORMAT for another version's. */
export function readOutcome(record: LogRecord): Outcome | null {
  const parsed = readInternal(record);
  if (parsed.type !== 'data') return null;
  if (Value.Check(Recognisable, parsed.value)) return parsed.value as unknown as Outcome;
  throw new ErrataError('E_RECORD_FOREIGN', 'a record on the topic of outcomes that is none');
}

/** The last outcome of each prediction of one deployment, up to a time. */
export class LastOutcomes {
  readonly #deployment_id: string;
  readonly #until_ms: number;
  readonly #last = new Map<string, Outcome>();

  constructor(deployment_id: string, until_ms: number) {
    this.#deployment_id = deployment_id;
    this.#until_ms = until_ms;
  }

  add(outcome: Outcome): void {
    if (outcome.prediction.deployment_id !== this.#deployment_id || outcome.time_ms > this.#until_ms) return;
    this.#last.set(outcome.prediction_id, outcome);
  }

  all(): Outcome[] {
    return [...this.#last.values()];
  }
}
