/** Connections to the systems in which resources are, as far as there are resources in them. */
import { KafkaTopics } from '../../connectors/provision/kafka_topics.ts';
import type { Provisioner, Resource } from '../../connectors/provision/resource.ts';
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
  const needed = new Set(resources.map(({ type }) => type));
  return needed.has('kafka_topic') ? [await openKafka(kafka)] : [];
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
