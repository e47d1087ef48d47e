/** All kinds of actor. A new kind is a file beside this one and a line here. */
import type { ActorKind } from './actor.ts';
import { capture } from './capture.ts';
import { rekey } from './rekey.ts';
import { retraining } from './retraining.ts';
import { rollout } from './rollout.ts';
import { severity } from './severity.ts';
import { window } from './window.ts';
import { windowPartial } from './window_partial.ts';

export const ACTOR_KINDS: ReadonlyMap<string, ActorKind> = new Map(
  [rekey, capture, windowPartial, window, severity, retraining, rollout].map((kind) => [kind.kind, kind]),
);
