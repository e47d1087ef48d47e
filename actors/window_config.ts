/** What a topology can say about `window`; both halves get it. */
import { type Static, Type } from 'typebox';
import { Duration } from '../messages/duration.ts';
import { Measure } from './measures.ts';

const KeyField = Type.Union([Type.Literal('deployment_id'), Type.Literal('model_version')]);
export type KeyField = Static<typeof KeyField>;

export const BadConfig = Type.Object(
  {
    rating_below: Type.Number({ default: 3, description: 'an event with a lower rating is an error' }),
    time_to_action_above: Type.Number({
      default: 30,
      description: 'an event with a longer time to act is an error; seconds',
    }),
  },
  { additionalProperties: false },
);
export type BadConfig = Static<typeof BadConfig>;

const Hopping = Type.Object(
  {
    size: Duration({ description: 'length' }),
    every: Duration({ description: 'from the begin of one to that of the next' }),
  },
  { additionalProperties: false, description: 'windows that overlap' },
);

const Session = Type.Object(
  { gap: Duration({ description: 'a session ends where nothing comes for so long; exact to a sixtieth' }) },
  { additionalProperties: false, description: 'windows as long as something keeps coming' },
);

export const WindowConfig = Type.Object(
  {
    by: Type.Array(KeyField, {
      uniqueItems: true,
      default: ['deployment_id', 'model_version'],
      description: 'a window per value of these; `[]`: one for all',
    }),
    tumbling: Type.Optional(
      Duration({
        description: 'length; windows begin at multiples of it since 1970; 5m where no kind is named',
      }),
    ),
    hopping: Type.Optional(Hopping),
    session: Type.Optional(Session),
    lateness: Duration({
      default: '24h',
      description: 'how long after its end a window is still corrected, in event time',
    }),
    idle: Type.Union([Duration({ description: 'a duration' }), Type.Literal('never')], {
      default: '30s',
      description: 'with all inputs quiet for so long, open windows close',
    }),
    over: Type.Union([Type.Literal('feedback'), Type.Literal('all')], {
      default: 'feedback',
      description: 'what counts as an event: each feedback message, or predictions too',
    }),
    bad: { ...BadConfig, default: {} },
    measures: Type.Array(Measure, {
      uniqueItems: true,
      default: [],
      description: 'fields whose mean, deviation and quantiles are told, beyond those that always are',
    }),
    feedback_horizon: Duration({
      default: '24h',
      description:
        'after this time nobody is expected to say more about a prediction: what `completeness` goes by; where absent, the `wait` of the join in front',
    }),
    provisional: Type.Optional(
      Duration({
        description:
          'tells what a window has so far whenever event time passes a multiple of this; not final',
      }),
    ),
    max_open_windows: Type.Integer({
      minimum: 1,
      default: 1_000_000,
      description:
        'windows (of sessions: slices, a sixtieth of the gap) that a task keeps; what would open one more goes to the late topic as `refused`',
    }),
    max_pattern_keys: Type.Integer({
      minimum: 1,
      default: 10_000,
      description: 'pattern keys that are counted one by one in a window; those beyond are counted together',
    }),
  },
  { additionalProperties: false },
);
export type WindowConfig = Static<typeof WindowConfig>;
