/**
 * What the capture layer costs: node bench/sdk/capture_layer.ts [inferences]
 *
 * The same model with and without the layer, in turn, on tfjs's cpu backend; to the embedded broker, then to none. Told
 * per inference: the time that `predict` takes (median), what the layer adds to it, and the CPU time that all of
 * capturing takes (statistics, JSON, sending), which is spent between inferences.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import tf from '@tensorflow/tfjs';
import { Kafka, logLevel } from 'kafkajs';
import { startBroker } from '../../broker/broker.ts';
import { type CaptureLayer, captureLayer } from '../../sdk/capture_layer.ts';
import { kafkaPublisher } from '../../sdk/kafka_publisher.ts';
import type { Publisher } from '../../sdk/publisher.ts';

const INFERENCES = Number(process.argv[2] ?? 2_000);
const WARM_UP = Math.ceil(INFERENCES / 10);
/** As many between two flushes. */
const ROUND = 50;

interface Job {
  name: string;
  shape: number[];
  layers: () => tf.layers.Layer[];
}

const JOBS: Job[] = [
  {
    name: '30 numbers, dense 32',
    shape: [30],
    layers: () => [tf.layers.dense({ units: 32 }), tf.layers.dense({ units: 2 })],
  },
  {
    name: '28×28, conv 8',
    shape: [28, 28, 1],
    layers: () => [
      tf.layers.conv2d({ filters: 8, kernelSize: 3, strides: 2 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 10 }),
    ],
  },
  {
    name: '224×224×3, conv 8',
    shape: [224, 224, 3],
    layers: () => [
      tf.layers.conv2d({ filters: 8, kernelSize: 3, strides: 4 }),
      tf.layers.globalAveragePooling2d({}),
      tf.layers.dense({ units: 10 }),
    ],
  },
];

interface Side {
  model: tf.LayersModel;
  times_us: number[];
  cpu_us: number;
}

async function measure(
  job: Job,
  publisher: Publisher,
): Promise<{ sides: [Side, Side]; layer: CaptureLayer }> {
  const layer = captureLayer({ publisher, deployment_id: 'bench', model_version: 'v1' });
  const sideOf = (model: tf.LayersModel): Side => ({ model, times_us: [], cpu_us: 0 });
  const sides: [Side, Side] = [sideOf(modelOf(job, [])), sideOf(modelOf(job, [layer]))];
  const input = tf.randomNormal([1, ...job.shape], 0, 1, 'float32', 1);
  for (let done = -WARM_UP; done < INFERENCES; done += ROUND) {
    await timeInTurn(sides, input, done >= 0);
    await publisher.flush();
    for (const side of sides) await accountCpu(side, input, publisher, done >= 0);
  }
  return { sides, layer };
}

/** One after the other, then the other way round: what was captured is worked off before each of them equally often. */
async function timeInTurn([plain, captured]: [Side, Side], input: tf.Tensor, counts: boolean): Promise<void> {
  for (let number = 0; number < ROUND; number += 2) {
    for (const { model, times_us } of [plain, captured, captured, plain]) {
      const started_ms = performance.now();
      const output = model.predict(input) as tf.Tensor;
      if (counts) times_us.push((performance.now() - started_ms) * 1_000);
      output.dispose();
      await nextTurn();
    }
  }
}

/** Of the application's thread, until all is acknowledged. */
async function accountCpu(
  side: Side,
  input: tf.Tensor,
  publisher: Publisher,
  counts: boolean,
): Promise<void> {
  const before = process.threadCpuUsage();
  for (let number = 0; number < ROUND; number++) {
    tf.dispose(side.model.predict(input));
    await nextTurn();
  }
  await publisher.flush();
  const { user, system } = process.threadCpuUsage(before);
  if (counts) side.cpu_us += user + system;
}

function modelOf({ shape, layers }: Job, first: CaptureLayer[]): tf.LayersModel {
  const input = tf.input({ shape });
  const output = [...first, ...layers()].reduce<tf.SymbolicTensor>(
    (tensor, layer) => layer.apply(tensor) as tf.SymbolicTensor,
    input,
  );
  return tf.model({ inputs: input, outputs: output });
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function tell(name: string, broker: string, { sides, layer }: Awaited<ReturnType<typeof measure>>): void {
  const [without_us, with_us] = sides.map(({ times_us }) => median(times_us)) as [number, number];
  const [plain, captured] = sides;
  const { published, dropped } = layer.stats();
  const cells = [
    name,
    broker,
    without_us.toFixed(0),
    (with_us - without_us).toFixed(1),
    ((captured.cpu_us - plain.cpu_us) / INFERENCES).toFixed(0),
    published,
    dropped,
  ];
  console.log(`| ${cells.join(' | ')} |`);
}

async function main(): Promise<void> {
  const data_dir = mkdtempSync(join(tmpdir(), 'errata-bench-'));
  const broker = await startBroker({ port: 0, data_dir });
  const admin = new Kafka({ brokers: [broker.address], logLevel: logLevel.ERROR }).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: 'predictions', numPartitions: 4 }] });
  await admin.disconnect();
  console.log(
    '| model, one input | broker | predict, µs | layer adds, µs | capturing, CPU µs | published | dropped |',
  );
  console.log('|---|---|---:|---:|---:|---:|---:|');
  for (const job of JOBS) {
    const up = kafkaPublisher({ brokers: [broker.address] });
    tell(job.name, 'up', await measure(job, up));
    await up.close();
    // Full from the first round on; nothing is ever delivered.
    const down = kafkaPublisher({ brokers: ['127.0.0.1:9'], max_buffered: ROUND / 2, close_timeout_ms: 1 });
    down.flush = async () => undefined;
    tell(job.name, 'down', await measure(job, down));
    await down.close();
  }
  await broker.stop();
  rmSync(data_dir, { recursive: true });
}

await main();
process.exit();
