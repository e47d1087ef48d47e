/** A task begins with nothing, whatever its changelog says. */
import { TaskState as Original } from '../../../engine/state.ts';

export * from '../../../engine/state.ts';

export class TaskState extends Original {
  override restore(): void {}
}
