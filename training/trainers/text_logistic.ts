/**
 * Logistic regression over hashed words, for a text with one of two answers; trained with TensorFlow.js.
 *
 * Reproducible to the bit: weights start at 0, the batches' order comes from the seed, and tfjs's cpu backend
 * computes each operation in one order in IEEE arithmetic (V8 brings its own `exp`, so the machine has no say).
 * Words are sparse: the gradient is written with gather and scatter, whose cost follows the words that are there,
 * not the dimensions.
 */
import type * as TensorFlow from '@tensorflow/tfjs';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';
import { ErrataError } from '../../messages/errata_error.ts';
import { permutation, randomStream } from '../random.ts';
import { type SparseVector, textFeatures } from '../text_features.ts';
import { decodeTextModel, encodeTextModel } from '../text_model.ts';
import type { Example, TrainContext, Trainer } from '../trainer.ts';

const Options = Type.Object(
  {
    dimensions: Type.Integer({ minimum: 16, maximum: 2 ** 22, default: 2 ** 14 }),
    max_characters: Type.Integer({ minimum: 1, default: 2000, description: 'read of each text' }),
    epochs: Type.Integer({ minimum: 1, default: 12 }),
    batch: Type.Integer({ minimum: 1, default: 256 }),
    learning_rate: Type.Number({ exclusiveMinimum: 0, default: 0.05, description: 'of Adam' }),
    l2: Type.Number({ minimum: 0, default: 1e-4, description: 'pull of the weights towards 0' }),
  },
  { additionalProperties: false },
);
type Options = Static<typeof Options>;
const options_check = Compile(Options);

const textLogistic: Trainer = {
  name: 'text_logistic',

  async train(examples, context) {
    const options = checkOptions(context.options);
    const answers = checkAnswers(context, examples);
    const { dimensions, max_characters } = options;
    const tf = await startTensorFlow();
    const weights = fit(tf, vectorise(examples, answers[1], options), options, context.seed);
    return encodeTextModel({ answers, dimensions, max_characters }, weights);
  },

  load: async (bytes) => decodeTextModel(bytes),
};
export default textLogistic;

interface Vectors {
  rows: SparseVector[];
  /** 1 for the second answer. */
  targets: Float32Array;
  /** Mean 1. */
  weights: Float32Array;
}

function vectorise(examples: readonly Example[], positive: unknown, options: Options): Vectors {
  const mean_weight = examples.reduce((sum, { weight }) => sum + weight, 0) / examples.length;
  return {
    rows: examples.map(({ input }) => textFeatures(input, options.dimensions, options.max_characters)),
    targets: Float32Array.from(examples, ({ answer }) => (answer === positive ? 1 : 0)),
    weights: Float32Array.from(examples, ({ weight }) => weight / mean_weight),
  };
}

/** Minimises the weighted mean logistic loss plus l2/2·|w|² by Adam (Kingma and Ba, 2015) in mini-batches. */
function fit(tf: typeof TensorFlow, vectors: Vectors, options: Options, seed: number): Float32Array {
  const size = options.dimensions + 1;
  const parameters: TensorFlow.Variable<TensorFlow.Rank.R1> = tf.variable(tf.zeros([size]));
  const optimizer = tf.train.adam(options.learning_rate);
  const random = randomStream('text_logistic', seed);
  try {
    for (let epoch = 0; epoch < options.epochs; epoch += 1) {
      const order = permutation(vectors.rows.length, random);
      for (let start = 0; start < order.length; start += options.batch) {
        const batch = gatherBatch(vectors, order.subarray(start, start + options.batch), options.dimensions);
        tf.tidy(() => {
          const gradient = gradientOf(tf, batch, parameters, options.l2);
          optimizer.applyGradients([{ name: parameters.name, tensor: gradient }]);
        });
      }
    }
    return Float32Array.from(parameters.dataSync());
  } finally {
    parameters.dispose();
    optimizer.dispose();
  }
}

/** A batch in coordinate form: entry k says that row `row[k]` has `value[k]` at `column[k]`. */
interface Batch {
  row: Int32Array;
  column: Int32Array;
  value: Float32Array;
  targets: Float32Array;
  weights: Float32Array;
}

function gatherBatch(vectors: Vectors, members: Int32Array, bias_column: number): Batch {
  const entries = members.reduce((sum, member) => sum + vectors.rows[member]!.indices.length + 1, 0);
  const batch: Batch = {
    row: new Int32Array(entries),
    column: new Int32Array(entries),
    value: new Float32Array(entries),
    targets: new Float32Array(members.length),
    weights: new Float32Array(members.length),
  };
  let at = 0;
  members.forEach((member, row) => {
    const { indices, value } = vectors.rows[member]!;
    batch.column.set(indices, at);
    batch.column[at + indices.length] = bias_column;
    batch.value.fill(value, at, at + indices.length);
    batch.value[at + indices.length] = 1;
    batch.row.fill(row, at, at + indices.length + 1);
    at += indices.length + 1;
    batch.targets[row] = vectors.targets[member]!;
    batch.weights[row] = vectors.weights[member]!;
  });
  return batch;
}

function gradientOf(
  tf: typeof TensorFlow,
  batch: Batch,
  parameters: TensorFlow.Tensor1D,
  l2: number,
): TensorFlow.Tensor {
  const { length } = batch.targets;
  const rows = tf.tensor1d(batch.row, 'int32');
  const columns = tf.tensor1d(batch.column, 'int32');
  const values = tf.tensor1d(batch.value);
  const terms = tf.mul(tf.gather(parameters, columns), values);
  const logits = tf.scatterND(rows.expandDims(1), terms, [length]);
  const residuals = tf.sigmoid(logits).sub(tf.tensor1d(batch.targets)).mul(tf.tensor1d(batch.weights));
  const shares = tf.mul(tf.gather(residuals, rows), values).div(length);
  const of_loss = tf.scatterND(columns.expandDims(1), shares, [parameters.shape[0]]);
  return of_loss.add(parameters.mul(l2));
}

/** tfjs is loaded only where something is trained: it costs 200 ms, and answering needs none of it. */
async function startTensorFlow(): Promise<typeof TensorFlow> {
  const tf = await import('@tensorflow/tfjs');
  tf.enableProdMode();
  await tf.setBackend('cpu');
  await tf.ready();
  return tf;
}

function checkOptions(given: Record<string, unknown>): Options {
  const options = Value.Default(Options, { ...given });
  if (options_check.Check(options)) return options;
  const [error] = options_check.Errors(options);
  throw new ErrataError(
    'E_TRAINER_OPTIONS',
    `text_logistic: options${error?.instancePath} ${error?.message}`,
  );
}

function checkAnswers({ answers }: TrainContext, examples: readonly Example[]): readonly [unknown, unknown] {
  if (!answers) {
    throw new ErrataError('E_TRAINER_OPTIONS', 'text_logistic needs `answers:`, the two answers it can give');
  }
  for (const answer of answers) {
    if (!examples.some((example) => example.answer === answer)) {
      throw new ErrataError('E_TRAINER_DATA', `no example of ${JSON.stringify(answer)} to learn from`);
    }
  }
  return answers;
}
