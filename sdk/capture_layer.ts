/**
 * A tfjs layer that publishes what it is given, once per inference, and passes it on unchanged. In training it does
 * nothing. Statistics are computed after the inference, between the application's turns; what cannot be delivered is
 * counted, never thrown.
 *
 * Saved with its model it comes back without its publisher, as nobody wants one in a file: `connectCapture` gives it one.
 */
import tf from '@tensorflow/tfjs';
import { ErrataError } from '../messages/errata_error.ts';
import type { DeliveryStats } from './delivery.ts';
import type { Inference } from './prediction_message.ts';
import { type InferenceDraft, type OutletOptions, PredictionOutlet } from './prediction_outlet.ts';
import type { Publisher } from './publisher.ts';

type LayerArgs = NonNullable<ConstructorParameters<typeof tf.layers.Layer>[0]>;
type Kwargs = Parameters<tf.layers.Layer['call']>[1];
type Tensors = tf.Tensor | tf.Tensor[];

export interface CaptureOutlet extends Omit<OutletOptions, 'deployment_id' | 'model_version'> {
  /**
   * What the application knows of the inference at hand, asked within it: e.g. its `prediction_id`, without which no
   * feedback can be joined to it. Must be quick; what it throws makes the message fail, not the inference.
   */
  context?: () => Inference;
}

export interface CaptureLayerConfig extends LayerArgs {
  deployment_id: string;
  model_version: string;
}

export type CaptureLayerOptions = CaptureLayerConfig & CaptureOutlet;

/** Throws ErrataError E_CAPTURE for names with which no prediction would be valid. */
export function captureLayer(options: CaptureLayerOptions): CaptureLayer {
  const { publisher, context, max_record_bytes, now, serverLoad, ...config } = options;
  const layer = new CaptureLayer(config);
  layer.connect({ publisher, context, max_record_bytes, now, serverLoad });
  return layer;
}

/** Connects all capture layers of a model, e.g. one that was loaded. Throws ErrataError E_CAPTURE where it has none. */
export function connectCapture(model: tf.LayersModel, outlet: CaptureOutlet): CaptureLayer[] {
  const layers = captureLayersOf(model);
  if (layers.length === 0) throw new ErrataError('E_CAPTURE', `${model.name} has no capture layer`);
  for (const layer of layers) layer.connect(outlet);
  return layers;
}

/** Models are layers of other models. */
function captureLayersOf(model: tf.LayersModel): CaptureLayer[] {
  return model.layers.flatMap((layer) => {
    if (layer instanceof CaptureLayer) return [layer];
    return layer instanceof tf.LayersModel ? captureLayersOf(layer) : [];
  });
}

export class CaptureLayer extends tf.layers.Layer {
  /** Under which tfjs saves it and finds it again. */
  static readonly className = 'CaptureLayer';
  readonly #names: { deployment_id: string; model_version: string };
  #outlet: PredictionOutlet;
  #context: (() => Inference) | undefined;

  constructor(config: CaptureLayerConfig) {
    super(config);
    this.supportsMasking = true;
    this.#names = { deployment_id: config.deployment_id, model_version: config.model_version };
    this.#outlet = new PredictionOutlet({ ...this.#names, publisher: NOT_CONNECTED });
  }

  /** What was captured before stays with the publisher that took it. */
  connect({ context, ...outlet }: CaptureOutlet): void {
    this.#outlet = new PredictionOutlet({ ...outlet, ...this.#names });
    this.#context = context;
  }

  override call(inputs: Tensors, kwargs: Kwargs | undefined): Tensors {
    if (kwargs?.training !== true) this.#outlet.offer(() => this.#draftOf(inputs));
    return inputs;
  }

  /** Of several inputs the first is described. */
  #draftOf(inputs: Tensors): InferenceDraft {
    const input = Array.isArray(inputs) ? inputs[0]! : inputs;
    return {
      size_bytes: isNumeric(input) ? input.size * BYTES_PER_VALUE : 0,
      retain: () => describe(input, this.#context?.() ?? {}),
    };
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape | tf.Shape[] {
    return inputShape;
  }

  /** tfjs writes `deploymentId` as `deployment_id` into files, and reads it as `deploymentId` again. */
  override getConfig(): tf.serialization.ConfigDict {
    const { deployment_id: deploymentId, model_version: modelVersion } = this.#names;
    return { ...super.getConfig(), deploymentId, modelVersion };
  }

  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    { deploymentId: deployment_id, modelVersion: model_version, ...config }: tf.serialization.ConfigDict,
  ): T {
    return new cls({ ...config, deployment_id, model_version });
  }

  /** Resolves when all that was captured before is acknowledged or has failed. */
  flush(): Promise<DeliveryStats> {
    return this.#outlet.flush();
  }

  stats(): DeliveryStats {
    return this.#outlet.stats();
  }

  /** Flushes; what is inferred later is not captured, and counted as dropped. The publisher stays open. */
  close(): Promise<DeliveryStats> {
    return this.#outlet.close();
  }
}
tf.serialization.registerClass(CaptureLayer);

const BYTES_PER_VALUE = 4;

function isNumeric({ dtype }: tf.Tensor): boolean {
  return dtype === 'float32' || dtype === 'int32' || dtype === 'bool';
}

function describe(input: tf.Tensor, known: Inference): Inference | Promise<Inference> {
  const described = { input_shape: [...input.shape], ...known };
  if (known.input_stats || known.numeric_input || !isNumeric(input)) return described;
  const values = valuesOf(input);
  return values instanceof Promise
    ? values.then((numeric_input) => ({ ...described, numeric_input }))
    : { ...described, numeric_input: values };
}

/** The cpu backend hands out its own array, which may be the application's. Others copy it, some of them later. */
function valuesOf(input: tf.Tensor) {
  return tf.getBackend() === 'cpu' ? input.dataSync().slice() : input.data();
}

const NOT_CONNECTED: Publisher = {
  publish: (_kind, _draft, onSettled) =>
    onSettled({ outcome: 'dropped', reason: 'the layer has no publisher: see connectCapture' }),
  flush: async () => undefined,
  heartbeat: async () => undefined,
  stats: () => ({ buffered: 0, buffered_bytes: 0, last_problem: undefined }),
  close: async () => undefined,
};
