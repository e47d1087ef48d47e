/** What a model did: published by the capture layer, once per inference. */
import { type Static, Type } from 'typebox';
import { Timestamp } from './timestamp.ts';

export const InputStats = Type.Object(
  {
    mean: Type.Number(),
    std: Type.Number(),
    min: Type.Optional(Type.Number()),
    max: Type.Optional(Type.Number()),
  },
  { description: 'statistics of the numeric input of one inference' },
);
export type InputStats = Static<typeof InputStats>;

export const Prediction = Type.Object(
  {
    prediction_id: Type.Optional(
      Type.String({ minLength: 1, maxLength: 512, description: 'absent: accepted as unjoinable' }),
    ),
    event_id: Type.Optional(Type.String({ minLength: 1, maxLength: 512 })),
    timestamp: Timestamp,
    model_version: Type.String({ maxLength: 256 }),
    deployment_id: Type.String({ maxLength: 256 }),
    input_shape: Type.Optional(Type.Array(Type.Union([Type.Number(), Type.Null()]))),
    input_stats: Type.Optional(InputStats),
    input: Type.Optional(Type.Unknown()),
    output: Type.Optional(Type.Unknown()),
    model_params: Type.Optional(Type.Unknown()),
    latency_ms: Type.Optional(Type.Number({ minimum: 0 })),
    server_load: Type.Optional(Type.Number({ minimum: 0 })),
    attributes: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  },
  { $id: 'prediction', title: 'prediction' },
);
export type Prediction = Static<typeof Prediction>;
