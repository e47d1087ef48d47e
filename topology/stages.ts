/** Which actors run together: those with equal partitioning that feed each other. */
import { ACTOR_KINDS } from '../actors/catalogue.ts';
import type { DraftActor } from './draft.ts';
import { isCoPartitioned } from './keyed.ts';
import type { Edge } from './link.ts';
import type { Graph } from './lint.ts';

/** The stage that runs training jobs. */
export const TRAINING_STAGE = 'training';

export interface StageGroup {
  /** That of its first actor. */
  name: string;
  /** Upstream first. */
  actors: DraftActor[];
}

/** Upstream first. */
export function groupStages(graph: Graph): StageGroup[] {
  const ordered = upstreamFirst(graph);
  const groups: StageGroup[] = [];
  for (const actor of ordered) {
    const fused = groups.filter((group) => group.actors.some((other) => isFused(graph, other, actor)));
    const members = [...fused.flatMap((group) => group.actors), actor].toSorted(
      (a, b) => ordered.indexOf(a) - ordered.indexOf(b),
    );
    const merged = { name: members[0]!.name, actors: members };
    const [place = groups.length] = fused.map((group) => groups.indexOf(group));
    groups.splice(place, 1, merged);
    for (const group of fused.slice(1)) groups.splice(groups.indexOf(group), 1);
  }
  return groups;
}

/** The way from jobs to evaluations leads through training and back to the same deployment's task. */
function isFused(graph: Graph, from: DraftActor, to: DraftActor): boolean {
  const connected = graph.edges.some((edge) => edge.from === from.name && edge.to === to.name);
  if (!connected) return false;
  if (to.kind?.local_half !== undefined) return isCoPartitioned(graph, from, to);
  return from.kind?.partitioning === to.kind?.partitioning;
}

/** By depth, then by place in the file. */
function upstreamFirst({ actors, edges }: Graph): DraftActor[] {
  const depths = new Map<string, number>();
  const depth = (name: string): number => {
    const known = depths.get(name);
    if (known !== undefined) return known;
    const upstream = edges.filter((edge) => edge.to === name && edge.output !== null && !isBackEdge(edge));
    const value = Math.max(0, ...upstream.map((edge) => depth(edge.from) + 1));
    depths.set(name, value);
    return value;
  };
  return actors.toSorted((a, b) => depth(a.name) - depth(b.name));
}

/** What rollouts tell retraining; the planner connects them whether the file says so or not. */
export function isBackEdge({ message }: Edge): boolean {
  return message === 'rollout';
}

/** A stage's actors keep state but for internal ones, most of which hold nothing beyond a commit. */
export function keepsState(kinds: readonly string[]): boolean {
  return kinds.some((name) => {
    const kind = ACTOR_KINDS.get(name);
    return !kind?.internal || kind.keeps_state;
  });
}
