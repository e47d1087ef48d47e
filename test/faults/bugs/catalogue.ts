/** Bugs that a checker must find: each a module that takes the place of one of the engine's. */
import type { FaultKind } from '../fault_plan.ts';

const engine = (file: string) => new URL(`../../../engine/${file}`, import.meta.url).href;
const here = (file: string) => new URL(file, import.meta.url).href;

export interface Bug {
  /** Whoever imports the one gets the other. */
  replaces: string;
  by: string;
  /** Faults under which it shows. */
  faults: readonly FaultKind[];
  /** What the checker says of it. */
  shows: RegExp;
}

const bug = (name: string, replaces: string, faults: readonly FaultKind[], shows: RegExp): Bug => ({
  replaces: engine(replaces),
  by: here(`./${name}.ts`),
  faults,
  shows,
});

const LOST = /is lost|is wrong/;
const TWICE = /is told in revisions|is wrong|is there \d+ times/;
const EARLY = /closed too early/;
const COMMITTER = 'transactional_committer.ts';

export const BUGS = {
  offsets_before_outputs: bug('offsets_before_outputs', COMMITTER, ['kill_at_commit'], LOST),
  no_fencing: bug('no_fencing', COMMITTER, ['zombie'], TWICE),
  state_not_restored: bug('state_not_restored', 'state.ts', ['kill_process', 'end_thread'], LOST),
  changelog_apart: bug('changelog_apart', COMMITTER, ['kill_at_commit'], TWICE),
  watermark_too_early: bug('watermark_too_early', 'watermarks.ts', ['end_thread', 'rebalance'], EARLY),
} satisfies Record<string, Bug>;

export type BugName = keyof typeof BUGS;
export const BUG_NAMES = Object.keys(BUGS) as BugName[];
