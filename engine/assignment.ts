/**
 * Who runs which task: sticky, balanced, and co-partitioned, since what is assigned are tasks, never single
 * partitions. Pure: the leader of the group computes it from what every member says of itself.
 *
 * 1. Every task is assigned to exactly one member.
 * 2. The members' task counts differ by at most one, in total and per stage by as little as that allows.
 * 3. Among all such assignments, tasks stay where they are as far as the greedy order reaches: a member keeps its
 *    own tasks up to its share.
 */

/** `{stage}/{partition}`. */
export type TaskId = string;

export interface Member {
  member_id: string;
  /** What it runs now; a task claimed by two goes to the first in order of member_id. */
  owned: TaskId[];
}

/** A member, and what it says of its process. */
export interface ProcessMember extends Member {
  process_id: string;
  /** How many members its process is to have. */
  process_workers: number;
}

/**
 * True while a group that runs nothing yet waits for all members of the processes that have begun to join. Tasks
 * given to the first would move as soon as the second joins, and as long as processing is at least once, what is
 * under way in a task that moves is done twice.
 */
export function isForming(members: readonly ProcessMember[]): boolean {
  if (members.some(({ owned }) => owned.length > 0)) return false;
  const processes = [...Map.groupBy(members, ({ process_id }) => process_id).values()];
  return processes.some((joined) => joined.length < joined[0]!.process_workers);
}

export function taskId(stage: string, partition: number): TaskId {
  return `${stage}/${partition}`;
}

export function splitTaskId(task: TaskId): { stage: string; partition: number } {
  const slash = task.lastIndexOf('/');
  return { stage: task.slice(0, slash), partition: Number(task.slice(slash + 1)) };
}

export function assignTasks(tasks: readonly TaskId[], members: readonly Member[]): Map<string, TaskId[]> {
  const ordered = [...members].sort((a, b) => (a.member_id < b.member_id ? -1 : 1));
  const assigned = new Map<string, TaskId[]>(ordered.map(({ member_id }) => [member_id, []]));
  if (ordered.length === 0) return assigned;
  const unassigned = new Set(tasks);
  keepOwned(ordered, tasks.length, unassigned, assigned);
  for (const task of unassigned) lightest(assigned, splitTaskId(task).stage).push(task);
  for (const own of assigned.values()) own.sort();
  return assigned;
}

/** Each member keeps of its own what does not exceed its share; `remainder` members may have one more. */
function keepOwned(
  members: readonly Member[],
  task_count: number,
  unassigned: Set<TaskId>,
  assigned: Map<string, TaskId[]>,
): void {
  const share = Math.floor(task_count / members.length);
  let remainder = task_count % members.length;
  for (const { member_id, owned } of members) {
    const own = assigned.get(member_id)!;
    for (const task of alternatingStages(owned.filter((task) => unassigned.has(task)))) {
      if (own.length === share) {
        if (remainder === 0) break;
        remainder -= 1;
      } else if (own.length > share) break;
      unassigned.delete(task);
      own.push(task);
    }
  }
}

/** So that what a member gives up is spread over its stages. */
function alternatingStages(tasks: readonly TaskId[]): TaskId[] {
  const byStage = [...Map.groupBy([...tasks].sort(), (task) => splitTaskId(task).stage).values()];
  const rounds = Math.max(0, ...byStage.map((own) => own.length));
  return Array.from({ length: rounds }, (_, round) => byStage.flatMap((own) => own[round] ?? [])).flat();
}

function lightest(assigned: Map<string, TaskId[]>, stage: string): TaskId[] {
  const ofStage = (own: TaskId[]) => own.filter((task) => splitTaskId(task).stage === stage).length;
  let best: TaskId[] | undefined;
  for (const own of assigned.values()) {
    if (!best || own.length < best.length || (own.length === best.length && ofStage(own) < ofStage(best)))
      best = own;
  }
  return best!;
}
