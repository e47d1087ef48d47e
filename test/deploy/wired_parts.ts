/** What container.test.ts hands to the stories that it runs in the network of the services. */
import type { EmulatorPackage } from '../harness/bqemulator_package.ts';

/** What they start. */
export interface Machinery {
  kafka_jars: string;
  pubsub_fake: string;
  bqemulator: EmulatorPackage;
}
