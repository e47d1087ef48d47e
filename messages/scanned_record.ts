/**
 * A record whose bytes were validated and read without making an object of it: where its texts stand in `bytes` (start
 * -1: absent) and its numbers (NaN: absent).
 */
export interface ScannedRecord {
  readonly bytes: Buffer;
  readonly kind: number;
  readonly time_ms: number;
  readonly deployment_id_start: number;
  readonly deployment_id_end: number;
  readonly model_version_start: number;
  readonly model_version_end: number;
  readonly rating: number;
  /** Seconds. */
  readonly time_to_action: number;
  readonly latency_ms: number;
  readonly server_load: number;
  readonly has_stats: boolean;
  readonly stats_mean: number;
  readonly stats_std: number;
  readonly stats_min: number;
  readonly stats_max: number;
}

/** With what a join needs of it. */
export interface ScannedJoinable extends ScannedRecord {
  readonly prediction_id_start: number;
  readonly prediction_id_end: number;
  readonly event_id_start: number;
  readonly event_id_end: number;
  /** Of values other than texts: all of the value. */
  readonly latency_ms_start: number;
  readonly latency_ms_end: number;
  readonly server_load_start: number;
  readonly server_load_end: number;
  readonly input_stats_start: number;
  readonly input_stats_end: number;
}
