/** What the supervisor holds against tasks: whose records killed a worker, and which record it was. */
import type { Logger } from 'pino';
import type { BadRecord } from '../actors/actor.ts';
import type { TaskId } from './assignment.ts';
import type { Held } from './in_hand.ts';
import { type Suspicion, suspect } from './suspicion.ts';

/** Code of the dead letter of a record that was found. */
const KILLED_ITS_TASK = 'killed_its_task';

export class Suspects {
  readonly #log: Logger;
  readonly #suspicions = new Map<TaskId, Suspicion>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Of this process; where a task moves to another, that one begins anew. */
  all(): [TaskId, Suspicion][] {
    return [...this.#suspicions];
  }

  /** A worker died of `cause` with records in hand. */
  add(held: Held, cause: { message: string; stack?: string | undefined }): Suspicion {
    const { message, stack } = cause;
    const reason: BadRecord = { code: KILLED_ITS_TASK, message, ...(stack === undefined ? {} : { stack }) };
    const suspicion = suspect(this.#suspicions.get(held.task), held, reason);
    this.#suspicions.set(held.task, suspicion);
    if (suspicion.type === 'found')
      this.#log.error({ ...suspicion, task: held.task }, 'a record kills its task: it is dead-lettered');
    else this.#log.warn({ ...held, error: message }, 'a record may have killed its task: it is looked for');
    return suspicion;
  }

  clear(task: TaskId): void {
    this.#suspicions.delete(task);
    this.#log.info({ task }, 'no record of the task is suspect any more');
  }
}
