/**
 * The load of a drill, a function of its seed: predictions and feedback of some deployments in event time. Most are on
 * time; some come late, twice, before what they are about, never, too late for anything, or broken.
 *
 * No record is ahead of its batch in event time: so the log alone says what no honest watermark can have passed.
 */
import { randomStream } from '../../training/random.ts';
import { partitionForKey } from '../../wire/murmur2.ts';
import { brokenRecords } from '../e2e/broken_records.ts';
import type { MadeFeedback, MadePrediction } from '../e2e/made_input.ts';

export type DrillSource = 'predictions' | 'feedback';

/** What a record is, told in a header so that who reads the log back knows. */
export type DrillKind = 'good' | 'too_late' | `bad:${string}`;
export const KIND_HEADER = 'drill.kind';
/** Number of the record, with which it is sent once. */
export const NUMBER_HEADER = 'drill.number';

export interface DrillRecord {
  source: DrillSource;
  partition: number;
  key: string | null;
  value: Buffer | string | null;
  kind: DrillKind;
  /** When nothing but time passes, it is the time of the batch. */
  sort_ms: number;
}

export const FROM_MS = Date.UTC(2024, 2, 1, 6);
export const WINDOW_MS = 300_000;
export const PARTITIONS = 4;
/** Event time that one batch covers. */
const STEP_MS = 15_000;
const PREDICTIONS_PER_BATCH = 6;
const KEYS = [
  ['spam', 'v1'],
  ['spam', 'v2'],
  ['fraud', 'v1'],
  ['größe', '1.0 / beta'],
] as const;
/** Older than anything that is still taken, once time has come to FROM_MS. */
const TOO_LATE_MS = FROM_MS - 3 * 24 * 3_600_000;

const LARGE_BYTES = 10_000;

export class DrillInput {
  readonly #random: () => number;
  readonly #seed: number;
  readonly #feedback_keyed: boolean;
  readonly #broken: DrillRecord[];
  /** By batch: what is due then. */
  readonly #due = new Map<number, DrillRecord[]>();
  #batch = 0;
  #ids = 0;

  /** `feedback_keyed`: each feedback stands in the partition of its prediction id. */
  constructor(seed: number, feedback_keyed: boolean) {
    this.#seed = seed;
    this.#feedback_keyed = feedback_keyed;
    this.#random = randomStream('drill input', seed);
    this.#broken = brokenRecords(FROM_MS)
      .filter(({ value, key }) => (value?.length ?? 0) < LARGE_BYTES && key === undefined)
      .map(({ code, value }) => ({ ...this.#anywhere('feedback'), value, kind: `bad:${code}`, sort_ms: 0 }));
  }

  /** Event time up to which the next batch goes. */
  get until_ms(): number {
    return FROM_MS + (this.#batch + 1) * STEP_MS;
  }

  next(): DrillRecord[] {
    const batch = this.#batch;
    for (let n = 0; n < PREDICTIONS_PER_BATCH; n++) this.#predict(batch);
    if (this.#chance(0.3)) this.#orphan(batch);
    if (this.#chance(0.2)) this.#tooLate(batch);
    if (this.#chance(0.2)) this.#spoil(batch);
    this.#batch++;
    const records = this.#due.get(batch) ?? [];
    this.#due.delete(batch);
    return records.sort((a, b) => a.sort_ms - b.sort_ms);
  }

  #predict(batch: number): void {
    const at_ms = this.#timeIn(batch);
    const profile = randomStream('profile', this.#seed, Math.floor(at_ms / WINDOW_MS));
    const fault_rate = profile();
    const [deployment_id, model_version] = this.#pick(KEYS);
    const prediction_id = `p${this.#seed}-${this.#ids++}`;
    const body: MadePrediction['body'] = {
      prediction_id,
      timestamp: at_ms,
      deployment_id,
      model_version,
      input_stats: { mean: Math.floor(this.#random() * 3), std: Math.floor(profile() * 2) + 0.5 },
      latency_ms: Math.floor(this.#random() * 400),
    };
    // Held up on its way: feedback may come before it.
    const sent = this.#chance(0.1) ? batch + this.#upTo(20) : batch;
    this.#schedule(sent, this.#prediction(body, at_ms));
    if (this.#chance(0.05)) this.#schedule(sent + this.#upTo(10), this.#prediction(body, at_ms));
    if (this.#chance(0.03)) this.#schedule(sent, this.#misplaced(body, at_ms));
    const count = this.#pick([0, 1, 1, 2, 3]);
    for (let n = 0; n < count; n++) this.#hear(prediction_id, at_ms + this.#upTo(600_000), fault_rate);
  }

  #hear(prediction_id: string, at_ms: number, fault_rate: number, own: Partial<MadeFeedback['body']> = {}) {
    const is_fault = this.#chance(fault_rate);
    const body: MadeFeedback['body'] = {
      prediction_id,
      timestamp: this.#pick([at_ms, at_ms / 1000, new Date(at_ms).toISOString()]),
      ...(this.#chance(0.5)
        ? { feedback_type: 'explicit', rating: is_fault ? 1 : 5 }
        : { feedback_type: 'implicit', user_action: 'click', time_to_action: is_fault ? 45 : 3 }),
      ...(this.#chance(0.2) ? { event_id: `e${this.#ids++}` } : {}),
      ...own,
    };
    const on_time = Math.floor((at_ms - FROM_MS) / STEP_MS);
    const sent = this.#chance(0.1) ? on_time + this.#upTo(60) : on_time;
    this.#schedule(sent, this.#feedback(body, at_ms));
    if (body.event_id !== undefined && this.#chance(0.3))
      this.#schedule(sent + this.#upTo(10), this.#feedback(body, at_ms));
  }

  /** Its prediction never comes. */
  #orphan(batch: number): void {
    this.#hear(`orphan${this.#ids++}`, this.#timeIn(batch), 0.5, {
      deployment_id: 'orphans',
      model_version: 'v1',
    });
  }

  #tooLate(batch: number): void {
    const body = { prediction_id: `late${this.#ids++}`, timestamp: TOO_LATE_MS };
    const record = this.#chance(0.5)
      ? this.#prediction({ ...body, deployment_id: 'spam', model_version: 'v1' }, TOO_LATE_MS)
      : this.#feedback({ ...body, feedback_type: 'explicit', rating: 1 }, TOO_LATE_MS);
    this.#schedule(batch, { ...record, kind: 'too_late' });
  }

  #spoil(batch: number): void {
    const source = this.#pick(['predictions', 'feedback'] as const);
    this.#schedule(batch, { ...this.#pick(this.#broken), ...this.#anywhere(source) });
  }

  #prediction(body: MadePrediction['body'], sort_ms: number): DrillRecord {
    const key = body.prediction_id;
    const partition = partitionForKey(Buffer.from(key), PARTITIONS);
    return { source: 'predictions', partition, key, value: JSON.stringify(body), kind: 'good', sort_ms };
  }

  #misplaced(body: MadePrediction['body'], sort_ms: number): DrillRecord {
    const right = this.#prediction(body, sort_ms);
    return { ...right, partition: (right.partition + 1) % PARTITIONS, kind: 'bad:wrong_partition' };
  }

  #feedback(body: MadeFeedback['body'], sort_ms: number): DrillRecord {
    const key = body.prediction_id;
    const place = this.#feedback_keyed
      ? { source: 'feedback' as const, partition: partitionForKey(Buffer.from(key), PARTITIONS), key }
      : this.#anywhere('feedback');
    return { ...place, value: JSON.stringify(body), kind: 'good', sort_ms };
  }

  #anywhere(source: DrillSource): { source: DrillSource; partition: number; key: null } {
    return { source, partition: Math.floor(this.#random() * PARTITIONS), key: null };
  }

  #schedule(batch: number, record: DrillRecord): void {
    const due = this.#due.get(batch);
    if (due) due.push(record);
    else this.#due.set(batch, [record]);
  }

  #timeIn(batch: number): number {
    return FROM_MS + batch * STEP_MS + this.#upTo(STEP_MS);
  }

  #upTo(most: number): number {
    return Math.floor(this.#random() * most);
  }

  #chance(share: number): boolean {
    return this.#random() < share;
  }

  #pick<Value>(values: readonly Value[]): Value {
    return values[Math.floor(this.#random() * values.length)]!;
  }
}
