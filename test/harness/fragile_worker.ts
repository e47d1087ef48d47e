/**
 * A worker that some records kill, for tests: it runs in place of engine/worker.ts where a test says so. What a record
 * does to its thread stands in its header `poison`.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { threadId } from 'node:worker_threads';
import { ActorStage } from '../../engine/actor_stage.ts';
import run from '../../engine/worker.ts';

export default run;

const POISONS: Record<string, () => void> = {
  throw: () => {
    throw new TypeError('thrown outside of what guards actors');
  },
  loop: () => {
    for (;;);
  },
  memory: () => {
    const hoard: number[][] = [];
    for (;;) hoard.push(Array.from({ length: 10_000 }, (_, index) => index + 0.5));
  },
};

/** As long as the file is there; says in it in which thread. */
function linger(file: string): void {
  if (existsSync(file)) writeFileSync(file, String(threadId));
  while (existsSync(file));
}

const { onSourceRecord, beforeCommit } = ActorStage.prototype;
/** Of stages that have taken a record that kills with their next commit. */
const doomed = new WeakSet<ActorStage>();

ActorStage.prototype.onSourceRecord = function (...given) {
  const { poison } = given[2].headers;
  if (poison === 'commit') doomed.add(this);
  else if (poison?.startsWith('while ')) linger(poison.slice('while '.length));
  else if (poison !== undefined) POISONS[poison]!();
  onSourceRecord.apply(this, given);
};

ActorStage.prototype.beforeCommit = function () {
  if (doomed.has(this)) POISONS.throw!();
  beforeCommit.call(this);
};
