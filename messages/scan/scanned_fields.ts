/** Where the scanner puts what it read, and how others see it. */
import type { ScannedJoinable } from '../scanned_record.ts';
import { FIELDS, fieldNamed, STAT_NAMES } from './fields.ts';
import * as AT from './layout.ts';
import { ScannerInstance, wasmModule } from './scanner_instance.ts';
import { SCANNER_WASM } from './scanner_wasm.ts';

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

const MEAN = STAT_NAMES.indexOf('mean');
const STD = STAT_NAMES.indexOf('std');
const MIN = STAT_NAMES.indexOf('min');
const MAX = STAT_NAMES.indexOf('max');

const SCANNER = wasmModule(SCANNER_WASM);

export class ScannedFields implements ScannedJoinable {
  /** The scanner's memory, to which all places refer. */
  bytes!: Buffer;
  /** PREDICTION or FEEDBACK. */
  kind = 0;
  /** Of feedback. */
  is_explicit = false;
  /** Event time, milliseconds since the epoch. */
  time_ms = Number.NaN;
  /** One bit per field that is there and not null. Of the others, what is kept below is of an earlier record. */
  protected said = 0;
  protected said_stats = 0;
  protected readonly instance = new ScannerInstance(SCANNER);
  /** By field, where its value stands; of texts from behind the opening quote to the closing one. */
  #starts!: Int32Array;
  #ends!: Int32Array;
  #numbers!: Float64Array;
  #stats!: Float64Array;
  /** SAID, SAID_STATS, IS_EXPLICIT and KIND of its layout, which follow each other. */
  #flags!: Int32Array;
  #time!: Float64Array;

  constructor() {
    this.look();
  }

  /** At its memory, which is another than before. */
  protected look(): void {
    const { instance } = this;
    const { buffer } = instance.bytes;
    this.bytes = instance.bytes;
    this.#starts = new Int32Array(buffer, AT.STARTS, FIELDS.length);
    this.#ends = new Int32Array(buffer, AT.ENDS, FIELDS.length);
    this.#numbers = new Float64Array(buffer, AT.NUMBERS, FIELDS.length);
    this.#stats = new Float64Array(buffer, AT.STATS, STAT_NAMES.length);
    this.#flags = new Int32Array(buffer, AT.SAID, 4);
    this.#time = new Float64Array(buffer, AT.TIME_MS, 1);
  }

  /** After a scan, before all else. */
  protected lookAtFlags(): void {
    this.said = this.#flags[0]!;
    this.said_stats = this.#flags[1]!;
    this.is_explicit = this.#flags[2] === 1;
    this.kind = this.#flags[3]!;
    this.time_ms = this.#time[0]!;
  }

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
    return (this.said & (1 << field)) !== 0 ? this.#starts[field]! : -1;
  }

  #endOf(field: number): number {
    return (this.said & (1 << field)) !== 0 ? this.#ends[field]! : -1;
  }

  /** NaN: absent. */
  #numberOf(field: number): number {
    return (this.said & (1 << field)) !== 0 ? this.#numbers[field]! : Number.NaN;
  }

  #statOf(stat: number): number {
    return (this.said_stats & (1 << stat)) !== 0 ? this.#stats[stat]! : Number.NaN;
  }
}
