/** The application's side of a rollout: a local target that follows the rollout topic. */
import type { Logger } from 'pino';
import type { Registry } from '../../deploy/registry.ts';
import { LocalTarget, type Served } from '../../deploy/targets/local.ts';
import { type Followed, followTopic } from '../../engine/follow.ts';
import type { KafkaSettings } from '../../engine/kafka.ts';
import type { Rollout } from '../../messages/rollout.ts';
import type { Trainer } from '../../training/trainer.ts';

export class ServedModel {
  readonly #target: LocalTarget;
  readonly #followed: Followed;

  constructor(
    parts: { deployment_id: string; registry: Registry; trainer: Trainer; kafka: KafkaSettings; log: Logger },
    topic: { name: string; partitions: number },
  ) {
    const { deployment_id, registry, trainer } = parts;
    this.#target = new LocalTarget({ deployment_id, registry, trainer });
    this.#followed = followTopic(
      parts.kafka,
      topic,
      async ({ value }) => {
        if (value) await this.#target.apply(JSON.parse(value.toString('utf8')) as Rollout);
      },
      parts.log,
    );
  }

  /** Serves what the last promotion that is in the topic now says. */
  caughtUp(): Promise<void> {
    return this.#followed.caughtUp();
  }

  predict(input: unknown): Promise<Served> {
    return this.#target.predict(input);
  }

  stop(): Promise<void> {
    return this.#followed.stop();
  }
}
