import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { randomStream } from '../random.ts';
import type { Example, TrainContext } from '../trainer.ts';
import textLogistic from './text_logistic.ts';

const answers = ['ham', 'spam'] as const;
const context: TrainContext = { seed: 1, answers, options: { dimensions: 1024, epochs: 6, batch: 32 } };

/** Texts of common words, and one word in five that tells the answer. */
function examples(count: number, seed = 1): Example[] {
  const random = randomStream('texts', seed);
  const word = (kind: string, words: number) => `${kind}${Math.floor(random() * words)}`;
  return Array.from({ length: count }, (_, index) => {
    const answer = random() < 0.5 ? 'ham' : 'spam';
    const words = Array.from({ length: 20 }, () => (random() < 0.2 ? word(answer, 10) : word('common', 100)));
    return { id: `e${index}`, time_ms: index, input: { body: words.join(' ') }, answer, weight: 1 };
  });
}

async function errorsOf(bytes: Uint8Array, cases: Example[]): Promise<number> {
  const model = await textLogistic.load(bytes);
  const outputs = await Promise.all(cases.map(({ input }) => model.predict(input)));
  return outputs.filter(({ output }, index) => output !== cases[index]!.answer).length / cases.length;
}

test('it learns which words tell the answer', async () => {
  const bytes = await textLogistic.train(examples(400), context);
  assert.ok((await errorsOf(bytes, examples(200, 2))) < 0.1);
});

test('the same call gives the same bytes, on any machine', async () => {
  const [one, other] = [
    await textLogistic.train(examples(60), context),
    await textLogistic.train(examples(60), context),
  ];
  assert.deepEqual(one, other);
  assert.equal(createHash('sha256').update(one).digest('hex').slice(0, 12), '524780dae489');
  const other_seed = await textLogistic.train(examples(60), { ...context, seed: 2 });
  assert.notDeepEqual(other_seed, one);
});

test('weights count: what weighs nearly nothing is not learned', async () => {
  const right = examples(200);
  const wrong = examples(200, 3).map((example) => ({
    ...example,
    answer: example.answer === 'ham' ? 'spam' : 'ham',
    weight: 0.01,
  }));
  const bytes = await textLogistic.train([...right, ...wrong], context);
  assert.ok((await errorsOf(bytes, examples(200, 2))) < 0.15);
});

test('a score is the confidence in the output', async () => {
  const model = await textLogistic.load(await textLogistic.train(examples(200), context));
  for (const { input } of examples(50, 4)) {
    const { score } = await model.predict(input);
    assert.ok(score >= 0.5 && score <= 1);
  }
  for (const odd of [undefined, null, 7, '', {}, { body: 7 }, []]) {
    assert.ok((await model.predict(odd)).score >= 0.5, 'an input without words gets the prior');
  }
});

test('it refuses what it cannot learn from', async () => {
  const one_class = examples(20).map((example) => ({ ...example, answer: 'ham' }));
  await assert.rejects(textLogistic.train(one_class, context), { code: 'E_TRAINER_DATA' });
  await assert.rejects(textLogistic.train([], context), { code: 'E_TRAINER_DATA' });
  await assert.rejects(textLogistic.train(examples(20), { seed: 1, options: {} }), {
    code: 'E_TRAINER_OPTIONS',
  });
  for (const options of [{ epochs: 0 }, { epoch: 3 }, { dimensions: 'many' }]) {
    await assert.rejects(textLogistic.train(examples(20), { ...context, options }), {
      code: 'E_TRAINER_OPTIONS',
    });
  }
});

test('bytes that are no such artefact are refused', async () => {
  const bytes = await textLogistic.train(examples(20), {
    ...context,
    options: { ...context.options, epochs: 1 },
  });
  for (const broken of [bytes.slice(0, -1), bytes.slice(1), Buffer.from(''), Buffer.from('{}\n')]) {
    await assert.rejects(textLogistic.load(broken), { code: 'E_ARTEFACT_FORMAT' });
  }
});
