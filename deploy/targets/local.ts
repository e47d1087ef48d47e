/**
 * Serves a deployment's model in this process. What is served is what the last promoting rollout says.
 *
 * 1. A request is answered by the model that was current when it arrived, whole; none waits for a switch.
 * 2. A model is disposed of only when the last request that uses it has been answered.
 * 3. If the new model cannot be loaded, the old one goes on serving and `apply` throws.
 */
import { ErrataError } from '../../messages/errata_error.ts';
import type { Rollout } from '../../messages/rollout.ts';
import type { RegistryPort } from '../../training/ports.ts';
import type { Answer, Model, Trainer } from '../../training/trainer.ts';

export interface Served extends Answer {
  /** The version that gave this answer. */
  model_version: string;
}

interface Loaded {
  model: Model;
  model_version: string;
  in_flight: number;
  replaced: boolean;
}

export class LocalTarget {
  readonly deployment_id: string;
  #registry: Pick<RegistryPort, 'get'>;
  #trainer: Pick<Trainer, 'load'>;
  #current: Loaded | null = null;
  #switching: Promise<unknown> = Promise.resolve();

  constructor(parts: {
    deployment_id: string;
    registry: Pick<RegistryPort, 'get'>;
    trainer: Pick<Trainer, 'load'>;
  }) {
    this.deployment_id = parts.deployment_id;
    this.#registry = parts.registry;
    this.#trainer = parts.trainer;
  }

  /** The version that the next request will get; null before the first promotion. */
  get model_version(): string | null {
    return this.#current?.model_version ?? null;
  }

  /**
   * Follows one record of the rollout topic. Calls take effect in the order in which they are made; records of
   * other deployments and rejections change nothing. Resolves to whether the version changed.
   */
  apply(rollout: Rollout): Promise<boolean> {
    const { deployment_id, kind, model_version } = rollout;
    if (deployment_id !== this.deployment_id || kind !== 'promote' || model_version === null) {
      return Promise.resolve(false);
    }
    const done = this.#switching.then(() => this.#switchTo(model_version));
    this.#switching = done.catch(() => undefined);
    return done;
  }

  /** Throws E_NO_MODEL before the first promotion, and whatever the model throws. */
  async predict(input: unknown): Promise<Served> {
    const loaded = this.#current;
    if (!loaded) throw new ErrataError('E_NO_MODEL', `nothing is promoted for ${this.deployment_id}`);
    loaded.in_flight += 1;
    try {
      const answer = await loaded.model.predict(input);
      return { ...answer, model_version: loaded.model_version };
    } finally {
      loaded.in_flight -= 1;
      disposeIfUnused(loaded);
    }
  }

  async #switchTo(model_version: string): Promise<boolean> {
    if (this.#current?.model_version === model_version) return false;
    const { bytes } = await this.#registry.get(model_version);
    const model = await this.#trainer.load(bytes);
    const old = this.#current;
    this.#current = { model, model_version, in_flight: 0, replaced: false };
    if (old) {
      old.replaced = true;
      disposeIfUnused(old);
    }
    return true;
  }
}

function disposeIfUnused(loaded: Loaded): void {
  if (loaded.replaced && loaded.in_flight === 0) loaded.model.dispose?.();
}
