/** The judgement of one window, and the alert that follows when the state changes. */
import { type Static, Type } from 'typebox';

export const Severity = Type.Union([Type.Literal('low'), Type.Literal('medium'), Type.Literal('high')]);
export type Severity = Static<typeof Severity>;

const published = {
  window_start: Type.String({ format: 'date-time' }),
  window_end: Type.String({ format: 'date-time' }),
  total_events: Type.Integer(),
  error_rate: Type.Number(),
  patterns: Type.Record(Type.String(), Type.Integer(), { description: 'kept pattern keys and their counts' }),
  severity: Severity,
  recommended_action: Type.Union([Type.Literal('retrain_on_pattern'), Type.Literal('monitor')]),
};

const identity = {
  id: Type.String({ description: 'derived from topology, key, window and revision' }),
  topology: Type.String(),
  window: Type.String({ description: 'name of the window actor' }),
  revision: Type.Integer({ minimum: 0 }),
  deployment_id: Type.String(),
  model_version: Type.String(),
  class: Type.Union([
    Type.Literal('one_off'),
    Type.Literal('systematic'),
    Type.Literal('conceptual'),
    Type.Literal('unknown'),
  ]),
  evidence: Type.Record(Type.String(), Type.Unknown(), { description: 'which strategy fired, and on what' }),
};

export const Assessment = Type.Object(
  {
    ...published,
    ...identity,
    fires: Type.Boolean(),
    final: Type.Boolean({ description: 'false: about a window that is not over' }),
  },
  { $id: 'assessment', title: 'assessment' },
);
export type Assessment = Static<typeof Assessment>;

export const Alert = Type.Object(
  {
    ...published,
    ...identity,
    kind: Type.Union([Type.Literal('raise'), Type.Literal('correct'), Type.Literal('resolve')]),
  },
  { $id: 'alert', title: 'alert' },
);
export type Alert = Static<typeof Alert>;
