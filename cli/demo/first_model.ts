/** The model that the demo starts with: trained on the first mails and their labels, and put in service. */

import type { Logger } from 'pino';
import type { Registry } from '../../deploy/registry.ts';
import { connectKafka, type KafkaSettings, withAdmin } from '../../engine/kafka.ts';
import type { Plan } from '../../engine/plan.ts';
import type { Rollout } from '../../messages/rollout.ts';
import { toIso } from '../../messages/timestamp.ts';
import { trainingConfig } from '../../training/config.ts';
import { type Recipe, trainFirstModel } from '../../training/job.ts';
import type { TrainingPool } from '../../training/pool.ts';
import type { Labelled } from '../../training/ports.ts';
import { trainerUrl } from '../../training/trainer.ts';
import { DEPLOYMENT_ID, modelInput } from './application.ts';
import type { Mail } from './mails.ts';

/** As the topology trains; where it trains nothing, with a text_logistic of its defaults. */
export function recipeOf({ training }: Plan): Recipe {
  return {
    trainer_url: trainerUrl(training?.trainer ?? 'text_logistic'),
    config: trainingConfig(training?.config ?? { answers: ['ham', 'spam'] }),
  };
}

export async function trainOnFirst(
  mails: readonly Mail[],
  recipe: Recipe,
  seed: number,
  parts: { registry: Registry; pool: TrainingPool },
): Promise<string> {
  const base = mails.map(
    (mail): Labelled => ({ id: mail.id, time_ms: mail.time_ms, input: modelInput(mail), answer: mail.label }),
  );
  await parts.registry.putBase(DEPLOYMENT_ID, base);
  return trainFirstModel({ deployment_id: DEPLOYMENT_ID, seed, base }, recipe, parts);
}

/** What is served is what the rollout topic says, from the first model on. */
export async function promoteFirst(
  model_version: string,
  time_ms: number,
  target: {
    kafka: KafkaSettings;
    topic: { name: string; partitions: number };
    topology: string;
    log: Logger;
  },
): Promise<void> {
  const rollout: Rollout = {
    id: `first.${DEPLOYMENT_ID}`,
    topology: target.topology,
    deployment_id: DEPLOYMENT_ID,
    kind: 'promote',
    model_version,
    previous: null,
    reason: 'the first model',
    job_id: null,
    alert_id: null,
    time: toIso(time_ms),
    recent: null,
    older: null,
  };
  const { name, partitions } = target.topic;
  const kafka = connectKafka(target.kafka, target.log);
  await withAdmin(kafka, (admin) =>
    admin.createTopics({ topics: [{ topic: name, numPartitions: partitions }] }),
  );
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  await producer.send({ topic: name, messages: [{ key: DEPLOYMENT_ID, value: JSON.stringify(rollout) }] });
  await producer.disconnect();
}
