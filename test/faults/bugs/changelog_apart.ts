/** State is logged in a transaction of its own, before outputs and offsets: a crash in between counts twice. */
import type { TaskId } from '../../../engine/assignment.ts';
import type { Commit } from '../../../engine/committer.ts';
import { TransactionalCommitter as Original } from '../../../engine/transactional_committer.ts';

export class TransactionalCommitter extends Original {
  override async commit(task: TaskId, commit: Commit): Promise<void> {
    await super.commit(task, { outputs: [], changelog: commit.changelog, offsets: [] });
    await super.commit(task, { ...commit, changelog: { ...commit.changelog, changes: [] } });
  }
}
