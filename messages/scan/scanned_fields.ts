/** Where the scanner puts what it read, and how others see it. */
import { InputStats } from '../prediction.ts';
import type { ScannedRecord } from '../scanned_record.ts';
import { FIELDS, fieldNamed } from './fields.ts';
import { JsonCursor } from './json_cursor.ts';

const PREDICTION_ID = fieldNamed('prediction_id');
const EVENT_ID = fieldNamed('event_id');
const SESSION_ID = fieldNamed('session_id');
const USER_ID = fieldNamed('user_id');
const DEPLOYMENT_ID = fieldNamed('deployment_id');
const MODEL_VERSION = fieldNamed('model_version');
const RATING = fieldNamed('rating');
const TIME_TO_ACTION = fieldNamed('time_to_action');
const LATENCY = fieldNamed('latency_ms');
const SERVER_LOAD = fieldNamed('server_load');
const INPUT_STATS = fieldNamed('input_stats');

export const STAT_NAMES = Object.keys(InputStats.properties);
const MEAN = STAT_NAMES.indexOf('mean');
const STD = STAT_NAMES.indexOf('std');
const MIN = STAT_NAMES.indexOf('min');
const MAX = STAT_NAMES.indexOf('max');

export function statBits(names: readonly string[]): number {
  return names.reduce((bits, name) => bits | (1 << STAT_NAMES.indexOf(name)), 0);
}

export class ScannedFields extends JsonCursor implements ScannedRecord {
  /** PREDICTION or FEEDBACK. */
  kind = 0;
  /** Of feedback. */
  is_explicit = false;
  /** Event time, milliseconds since the epoch. */
  time_ms = Number.NaN;
  /** One bit per field that is there and not null. Of the others, what is kept below is of an earlier record. */
  protected said = 0;
  protected said_stats = 0;
  /** By field, where its value stands; of texts from behind the opening quote to the closing one. */
  protected readonly starts = new Int32Array(FIELDS.length);
  protected readonly ends = new Int32Array(FIELDS.length);
  protected readonly numbers = new Float64Array(FIELDS.length);
  protected readonly stats = new Float64Array(STAT_NAMES.length);

  get prediction_id_start(): number {
    return this.#startOf(PREDICTION_ID);
  }
  get prediction_id_end(): number {
    return this.#endOf(PREDICTION_ID);
  }
  get event_id_start(): number {
    return this.#startOf(EVENT_ID);
  }
  get event_id_end(): number {
    return this.#endOf(EVENT_ID);
  }
  get session_id_start(): number {
    return this.#startOf(SESSION_ID);
  }
  get session_id_end(): number {
    return this.#endOf(SESSION_ID);
  }
  get user_id_start(): number {
    return this.#startOf(USER_ID);
  }
  get user_id_end(): number {
    return this.#endOf(USER_ID);
  }
  get deployment_id_start(): number {
    return this.#startOf(DEPLOYMENT_ID);
  }
  get deployment_id_end(): number {
    return this.#endOf(DEPLOYMENT_ID);
  }
  get model_version_start(): number {
    return this.#startOf(MODEL_VERSION);
  }
  get model_version_end(): number {
    return this.#endOf(MODEL_VERSION);
  }
  get rating(): number {
    return this.#numberOf(RATING);
  }
  /** Seconds. */
  get time_to_action(): number {
    return this.#numberOf(TIME_TO_ACTION);
  }
  get latency_ms_start(): number {
    return this.#startOf(LATENCY);
  }
  get latency_ms_end(): number {
    return this.#endOf(LATENCY);
  }
  get server_load_start(): number {
    return this.#startOf(SERVER_LOAD);
  }
  get server_load_end(): number {
    return this.#endOf(SERVER_LOAD);
  }
  get input_stats_start(): number {
    return this.#startOf(INPUT_STATS);
  }
  get input_stats_end(): number {
    return this.#endOf(INPUT_STATS);
  }
  get latency_ms(): number {
    return this.#numberOf(LATENCY);
  }
  get server_load(): number {
    return this.#numberOf(SERVER_LOAD);
  }
  get has_stats(): boolean {
    return (this.said & (1 << INPUT_STATS)) !== 0;
  }
  get stats_mean(): number {
    return this.#statOf(MEAN);
  }
  get stats_std(): number {
    return this.#statOf(STD);
  }
  get stats_min(): number {
    return this.#statOf(MIN);
  }
  get stats_max(): number {
    return this.#statOf(MAX);
  }

  /** -1: absent. */
  #startOf(field: number): number {
    return (this.said & (1 << field)) !== 0 ? this.starts[field]! : -1;
  }

  #endOf(field: number): number {
    return (this.said & (1 << field)) !== 0 ? this.ends[field]! : -1;
  }

  /** NaN: absent. */
  #numberOf(field: number): number {
    return (this.said & (1 << field)) !== 0 ? this.numbers[field]! : Number.NaN;
  }

  #statOf(stat: number): number {
    return (this.said_stats & (1 << stat)) !== 0 ? this.stats[stat]! : Number.NaN;
  }
}
