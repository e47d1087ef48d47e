/** State of a sink in a plain map, for tests. */
import type { State } from '../../actors/actor.ts';

export function stateIn(map: Map<string, unknown>): State {
  return {
    get: <Value>(key: string) => map.get(key) as Value | undefined,
    set: (key, value) => void map.set(key, value),
    delete: (key) => void map.delete(key),
    entries: () => [],
  };
}
