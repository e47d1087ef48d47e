/** Which message may flow into which input. */
import type { ActorKind, MessageType } from '../actors/actor.ts';
import { ACTOR_KINDS } from '../actors/catalogue.ts';

/**
 * Message type → input name, as a topology sees it: a window takes events because its local half does, and what takes
 * evaluations is connected to the actor whose jobs lead to them.
 */
export function inputsOf(kind: ActorKind): Partial<Record<MessageType, string>> {
  const local_half = kind.local_half === undefined ? undefined : ACTOR_KINDS.get(kind.local_half);
  const takes: Partial<Record<MessageType, string>> = {};
  for (const [input, message] of Object.entries(kind.inputs)) {
    if (message === 'evaluation') takes.training_job = input;
    else if (!local_half) takes[message] = input;
  }
  for (const message of Object.values(local_half?.inputs ?? {}))
    takes[message] = Object.keys(kind.inputs)[0]!;
  return takes;
}

export function inputFor(kind: ActorKind, message: MessageType): string | undefined {
  return inputsOf(kind)[message];
}
