/** All kinds of actor. A new kind is a file beside this one and a line here. */
import type { ActorKind } from './actor.ts';
import { capture } from './capture.ts';
import { dedupe } from './dedupe.ts';
import { rekey } from './rekey.ts';
import { retraining } from './retraining.ts';
import { revisions } from './revisions.ts';
import { rollout } from './rollout.ts';
import { severity } from './severity.ts';
import { window } from './window.ts';
import { windowPartial } from './window_partial.ts';

export const ACTOR_KINDS: ReadonlyMap<string, ActorKind> = new Map(
  [dedupe, rekey, capture, windowPartial, window, severity, retraining, rollout, revisions].map((kind) => [
    kind.kind,
    kind,
  ]),
);
