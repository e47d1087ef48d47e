/** Connections to the systems in which resources are, as far as there are resources in them. */
import { BigqueryProvisioner } from '../../connectors/provision/bigquery.ts';
import { KafkaTopics } from '../../connectors/provision/kafka_topics.ts';
import { PubsubProvisioner } from '../../connectors/provision/pubsub.ts';
import type { Provisioner, Resource, ResourceType } from '../../connectors/provision/resource.ts';
import { type Admin, connectKafka } from '../../engine/kafka.ts';
import { checkAccess } from '../../engine/kafka_access.ts';
import type { KafkaAccess, KafkaSettings } from '../../engine/kafka_settings.ts';
import { createLog } from '../../engine/log.ts';
import { ErrataError } from '../../messages/errata_error.ts';
import { whyUnreachable } from '../run/reachable.ts';

/** What cannot be reached shows when it is asked. Throws E_KAFKA_BROKERS where nobody says what to ask. */
export function openProvisioners(resources: readonly Resource[], kafka: KafkaAccess): Provisioner[] {
  const needs = (...types: ResourceType[]) => resources.some(({ type }) => types.includes(type));
  return [
    ...(needs('kafka_topic') ? [openKafka(kafka)] : []),
    ...(needs('pubsub_topic', 'pubsub_subscription') ? [new PubsubProvisioner()] : []),
    ...(needs('bigquery_dataset', 'bigquery_table') ? [new BigqueryProvisioner()] : []),
  ];
}

function openKafka(access: KafkaAccess): Provisioner {
  if (access.brokers === null)
    throw new ErrataError('E_KAFKA_BROKERS', 'nobody says which Kafka it is', {
      hint: 'set KAFKA_BROKERS or kafka.brokers; on the embedded broker errata makes its topics itself',
    });
  return new KafkaTopics(connected({ ...access, brokers: access.brokers }));
}

/** Rejects with E_KAFKA_UNREACHABLE and what `checkAccess` throws. */
async function connected(settings: KafkaSettings): Promise<Admin> {
  const unreachable = await whyUnreachable(settings.brokers);
  if (unreachable !== null)
    throw new ErrataError('E_KAFKA_UNREACHABLE', `Kafka at ${settings.brokers.join(', ')}: ${unreachable}`);
  await checkAccess(settings);
  const admin = connectKafka(settings, createLog('error')).admin();
  await admin.connect();
  return admin;
}
