/** Of the revisions of a window, passes one on: the first that is final, or the last once none can follow. */
import { type Static, Type } from 'typebox';
import type { Alert, Assessment } from '../messages/assessment.ts';
import { Duration, parseDuration } from '../messages/duration.ts';
import { parseTimestamp } from '../messages/timestamp.ts';
import type { WindowResult } from '../messages/window.ts';
import { type Actor, type Context, defineActor } from './actor.ts';

const RevisionsConfig = Type.Object(
  {
    which: Type.Union([Type.Literal('first'), Type.Literal('last')], { default: 'last' }),
    lateness: Duration({ default: '24h', description: 'of the windows' }),
  },
  { additionalProperties: false },
);

export const revisions = defineActor({
  kind: 'revisions',
  internal: true,
  keeps_state: true,
  summary: 'Passes one revision of each window on.',
  example: 'planned by itself in front of a sink that wants one revision of each window',
  partitioning: 'window_key',
  config: RevisionsConfig,
  inputs: { windows: 'window', assessments: 'assessment', alerts: 'alert' },
  outputs: { kept: { message: 'kept_revision', summary: 'what came in, once per window' } },
  create: revisionsActor,
});

type Revised = WindowResult | Assessment | Alert;

interface Held {
  expires_ms: number;
  /** What is passed on once it expires; null: passed on already. */
  value: Revised | null;
}

function revisionsActor({ which, lateness }: Static<typeof RevisionsConfig>): Actor {
  const lateness_ms = parseDuration(lateness);
  return {
    onMessage(_input: string, message: unknown, context: Context): void {
      const value = message as Revised;
      const key = seriesOf(value);
      // As in severity: the last revision comes at the end of the lateness at the latest.
      const expires_ms = parseTimestamp(value.window_end)! + lateness_ms + 1;
      if (which === 'last') {
        context.expiring.set<Held>(key, { expires_ms, value });
        return;
      }
      const is_provisional = 'final' in value && !value.final;
      if (is_provisional || context.expiring.get<Held>(key) !== undefined) return;
      context.expiring.set<Held>(key, { expires_ms, value: null });
      context.emit('kept', keyOf(value), value);
    },
    onExpired(_key, held, context): void {
      const { value } = held as Held;
      if (value) context.emit('kept', keyOf(value), value);
    },
  };
}

function seriesOf(value: Revised): string {
  return JSON.stringify([value.window, String(value.window_start), keyOf(value)]);
}

function keyOf(value: Revised): string {
  return 'key' in value
    ? JSON.stringify(value.key)
    : JSON.stringify([value.deployment_id, value.model_version]);
}
