import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ACTOR_KINDS } from './catalogue.ts';
import { configOf } from './testing.ts';

describe('catalogue', () => {
  it('lists every file that defines a kind, and each kind under its file name', () => {
    const folder = import.meta.dirname;
    const defining = readdirSync(folder)
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && file !== 'actor.ts')
      .filter((file) => readFileSync(join(folder, file), 'utf8').includes('defineActor({'))
      .map((file) => file.replace('.ts', ''));
    assert.deepEqual(defining.sort(), [...ACTOR_KINDS.keys()].sort());
  });

  for (const kind of ACTOR_KINDS.values()) {
    it(`${kind.kind}: runs with its defaults and refuses unknown settings`, () => {
      const required = kind.kind === 'retraining' ? { trainer: 'text_logistic' } : {};
      const scope = { topology: 'test', actor: kind.kind };
      assert.equal(typeof kind.create(configOf(kind, required), scope).onMessage, 'function');
      assert.throws(() => configOf(kind, { ...required, unheard_of: 1 }), { code: 'E_ACTOR_CONTRACT' });
      assert(Object.keys(kind.inputs).length > 0 && Object.keys(kind.outputs).length > 0);
      if (kind.local_half) assert(ACTOR_KINDS.get(kind.local_half)?.internal);
    });
  }
});
