/** Connections to the systems in which resources are, as far as there are resources in them. */
import { BigqueryProvisioner } from '../../connectors/provision/bigquery.ts';
import { KafkaTopics } from '../../connectors/provision/kafka_topics.ts';
import { PubsubProvisioner } from '../../connectors/provision/pubsub.ts';
import type { Provisioner, Resource, ResourceType } from '../../connectors/provision/resource.ts';
import { connectKafka } from '../../engine/kafka.ts';
import { checkAccess } from '../../engine/kafka_access.ts';
import type { KafkaAccess, KafkaSettings } from '../../engine/kafka_settings.ts';
import { createLog } from '../../engine/log.ts';
import { ErrataError } from '../../messages/errata_error.ts';
import { whyUnreachable } from '../run/reachable.ts';

/** Throws E_KAFKA_BROKERS, E_KAFKA_UNREACHABLE and what `checkAccess` throws. */
export async function openProvisioners(
  resources: readonly Resource[],
  kafka: KafkaAccess,
): Promise<Provisioner[]> {
  const needs = (...types: ResourceType[]) => resources.some(({ type }) => types.includes(type));
  return [
    ...(needs('kafka_topic') ? [await openKafka(kafka)] : []),
    ...(needs('pubsub_topic', 'pubsub_subscription') ? [new PubsubProvisioner()] : []),
    ...(needs('bigquery_dataset', 'bigquery_table') ? [new BigqueryProvisioner()] : []),
  ];
}

async function openKafka(access: KafkaAccess): Promise<Provisioner> {
  if (access.brokers === null)
    throw new ErrataError('E_KAFKA_BROKERS', 'nobody says which Kafka it is', {
      hint: 'set KAFKA_BROKERS or kafka.brokers; on the embedded broker errata makes its topics itself',
    });
  const settings: KafkaSettings = { ...access, brokers: access.brokers };
  const unreachable = await whyUnreachable(settings.brokers);
  if (unreachable !== null)
    throw new ErrataError('E_KAFKA_UNREACHABLE', `Kafka at ${settings.brokers.join(', ')}: ${unreachable}`);
  await checkAccess(settings);
  const admin = connectKafka(settings, createLog('error')).admin();
  await admin.connect();
  return new KafkaTopics(admin);
}
