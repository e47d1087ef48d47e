/** Input offsets are committed before what came of the input: a crash in between loses it. */
import type { TaskId } from '../../../engine/assignment.ts';
import type { Commit } from '../../../engine/committer.ts';
import { TransactionalCommitter as Original } from '../../../engine/transactional_committer.ts';

export class TransactionalCommitter extends Original {
  override async commit(task: TaskId, commit: Commit): Promise<void> {
    const nothing = { ...commit.changelog, changes: [] };
    await super.commit(task, { outputs: [], changelog: nothing, offsets: commit.offsets });
    await super.commit(task, { ...commit, offsets: [] });
  }
}
