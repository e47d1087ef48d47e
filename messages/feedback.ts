/** What a person made of a prediction: said (`explicit`) or done (`implicit`). */
import { type Static, Type } from 'typebox';
import { InputStats } from './prediction.ts';
import { Timestamp } from './timestamp.ts';

export const Feedback = Type.Object(
  {
    prediction_id: Type.String({ minLength: 1, maxLength: 512 }),
    session_id: Type.Optional(Type.String({ maxLength: 512 })),
    feedback_type: Type.Union([Type.Literal('explicit'), Type.Literal('implicit')]),
    timestamp: Timestamp,
    rating: Type.Optional(Type.Union([Type.Number({ minimum: 1, maximum: 5 }), Type.Null()])),
    comment: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    label: Type.Optional(Type.Unknown({ description: 'the right answer, if the person gave it' })),
    user_action: Type.Optional(Type.Union([Type.String({ maxLength: 256 }), Type.Null()])),
    time_to_action: Type.Optional(
      Type.Union([Type.Number({ minimum: 0, description: 'seconds' }), Type.Null()]),
    ),
    user_id: Type.Optional(Type.String({ maxLength: 512 })),
    event_id: Type.Optional(Type.String({ minLength: 1, maxLength: 512 })),
    deployment_id: Type.Optional(Type.String({ maxLength: 256 })),
    model_version: Type.Optional(Type.String({ maxLength: 256 })),
    input_stats: Type.Optional(InputStats),
  },
  { $id: 'feedback', title: 'feedback' },
);
export type Feedback = Static<typeof Feedback>;
