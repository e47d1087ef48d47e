/** KAFKA_BROKERS, and options that say the same. */
import { ErrataError } from '../messages/errata_error.ts';

/** Null where it is not set. Throws E_KAFKA_BROKERS where it is no list of host:port. */
export function brokersFrom({ KAFKA_BROKERS: text = '' }: NodeJS.ProcessEnv): string[] | null {
  if (text.trim() === '') return null;
  const brokers = text.split(',').map((broker) => broker.trim());
  const wrong = brokers.find((broker) => !/^\S+:\d{1,5}$/.test(broker));
  if (wrong === undefined) return brokers;
  throw new ErrataError('E_KAFKA_BROKERS', `"${wrong}" in KAFKA_BROKERS is not host:port`, {
    hint: 'as in KAFKA_BROKERS=kafka-1:9092,kafka-2:9092',
  });
}
