import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Rollout } from '../../messages/rollout.ts';
import type { Artefact } from '../../training/ports.ts';
import { LocalTarget } from './local.ts';

const lineage = {} as Artefact['lineage'];
const registry = {
  async get(model_version: string): Promise<Artefact> {
    if (model_version === 'broken') throw new Error('corrupt');
    return { model_version, hash: model_version, bytes: Buffer.from(model_version), lineage };
  },
};

/** Models that answer with their own version when told to, and fail if used after they were disposed of. */
function slowTrainer() {
  const waiting: (() => void)[] = [];
  const disposed = new Set<string>();
  const load = async (bytes: Uint8Array) => {
    const version = Buffer.from(bytes).toString();
    let is_disposed = false;
    return {
      async predict() {
        await new Promise<void>((resolve) => waiting.push(resolve));
        assert.ok(!is_disposed, `${version} was used after it was disposed of`);
        return { output: version, score: 1 };
      },
      dispose: () => {
        assert.ok(!is_disposed, `${version} was disposed of twice`);
        is_disposed = true;
        disposed.add(version);
      },
    };
  };
  return { load, waiting, disposed };
}

function rollout(values: Partial<Rollout> = {}): Rollout {
  return {
    id: 'r',
    topology: 'mail',
    deployment_id: 'inbox',
    kind: 'promote',
    model_version: 'v1',
    previous: null,
    reason: '',
    job_id: null,
    alert_id: null,
    time: '2002-09-01T00:00:00.000Z',
    recent: null,
    older: null,
    ...values,
  };
}

function target() {
  const trainer = slowTrainer();
  return { ...trainer, target: new LocalTarget({ deployment_id: 'inbox', registry, trainer }) };
}

test('before the first promotion there is nothing to ask', async () => {
  const { target: local } = target();
  assert.equal(local.model_version, null);
  await assert.rejects(local.predict('x'), { code: 'E_NO_MODEL' });
});

test('a request in flight is answered by the version it met, whatever is promoted meanwhile', async () => {
  const { target: local, waiting, disposed } = target();
  await local.apply(rollout());
  const before = local.predict('x');
  await local.apply(rollout({ model_version: 'v2' }));
  const after_switch = local.predict('x');
  assert.deepEqual([...disposed], [], 'v1 still owes an answer');
  for (const answer of waiting) answer();
  assert.equal((await before).model_version, 'v1');
  assert.equal((await after_switch).model_version, 'v2');
  assert.deepEqual([...disposed], ['v1']);
});

test('rejections, other deployments and repetitions change nothing', async () => {
  const { target: local, disposed } = target();
  assert.equal(await local.apply(rollout()), true);
  assert.equal(await local.apply(rollout()), false);
  assert.equal(await local.apply(rollout({ kind: 'reject', model_version: 'v2' })), false);
  assert.equal(await local.apply(rollout({ deployment_id: 'other', model_version: 'v2' })), false);
  assert.equal(local.model_version, 'v1');
  assert.equal(disposed.size, 0);
});

test('a version that cannot be loaded leaves the old one serving, and a later one is followed', async () => {
  const { target: local, waiting } = target();
  await local.apply(rollout());
  await assert.rejects(local.apply(rollout({ model_version: 'broken' })), /corrupt/);
  assert.equal(local.model_version, 'v1');
  await local.apply(rollout({ model_version: 'v3' }));
  const answer = local.predict('x');
  waiting.shift()!();
  assert.equal((await answer).model_version, 'v3');
});

test('under any interleaving every request is answered, with the version current when it was made', async () => {
  const step = fc.oneof(
    fc.constant({ do: 'predict' as const }),
    fc.constant({ do: 'answer' as const }),
    fc.integer({ min: 1, max: 4 }).map((version) => ({ do: 'promote' as const, version: `v${version}` })),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { target: local, waiting } = target();
      await local.apply(rollout({ model_version: 'v0' }));
      const asked: [expected: string | null, answer: Promise<{ model_version: string; output: unknown }>][] =
        [];
      const applied: Promise<boolean>[] = [];
      for (const taken of steps) {
        if (taken.do === 'predict') asked.push([local.model_version, local.predict('x')]);
        else if (taken.do === 'answer') waiting.shift()?.();
        else applied.push(local.apply(rollout({ model_version: taken.version })));
        await Promise.resolve();
      }
      await Promise.all(applied);
      for (const answer of waiting) answer();
      for (const [expected, answer] of asked) {
        const { model_version, output } = await answer;
        assert.equal(model_version, expected);
        assert.equal(output, expected);
      }
    }),
    { numRuns: 50 },
  );
});
