/** Which Kafka a topology runs on: what the environment says goes before what stands in its file. */
import type { KafkaAccess } from '../engine/kafka_settings.ts';
import { ErrataError } from '../messages/errata_error.ts';
import { kafkaSettingsOf } from '../topology/kafka_settings.ts';
import type { Graph } from '../topology/lint.ts';

/** Throws E_KAFKA_BROKERS where it says how to get in, but not where. */
export function kafkaOf(topology: Graph, brokers: string[] | null): KafkaAccess {
  const kafka = kafkaSettingsOf(topology);
  const found = brokers ?? kafka.brokers;
  if (found !== null || (kafka.ssl === null && kafka.sasl === null)) return { ...kafka, brokers: found };
  throw new ErrataError('E_KAFKA_BROKERS', `${topology.file} has kafka.ssl or kafka.sasl, but no brokers`, {
    hint: 'set kafka.brokers or KAFKA_BROKERS; the embedded broker has neither TLS nor SASL',
  });
}

/** Null where the variable is not set. Throws E_KAFKA_BROKERS where it is no list of host:port. */
export function brokersFrom({ KAFKA_BROKERS: text = '' }: NodeJS.ProcessEnv): string[] | null {
  if (text.trim() === '') return null;
  const brokers = text.split(',').map((broker) => broker.trim());
  const wrong = brokers.find((broker) => !/^\S+:\d{1,5}$/.test(broker));
  if (wrong === undefined) return brokers;
  throw new ErrataError('E_KAFKA_BROKERS', `"${wrong}" in KAFKA_BROKERS is not host:port`, {
    hint: 'as in KAFKA_BROKERS=kafka-1:9092,kafka-2:9092',
  });
}
