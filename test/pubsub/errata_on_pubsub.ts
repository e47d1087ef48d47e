/** errata as a process between Google's fake and a broker, for tests that tell what its user sees. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { temporaryFolder } from '../harness/embedded.ts';
import { ErrataProcess } from '../harness/errata_process.ts';
import { PROJECT, type PubsubFake } from '../harness/pubsub_fake.ts';

/** `brokers`: that of Kafka; absent: the process has an embedded one. */
export function runOnPubsub(t: TestContext, fake: PubsubFake, yaml: string, brokers?: string): ErrataProcess {
  const file = join(temporaryFolder(t), 'topology.yaml');
  writeFileSync(file, yaml);
  const env = { ...fake.env, PUBSUB_PROJECT_ID: PROJECT, ...(brokers ? { KAFKA_BROKERS: brokers } : {}) };
  return new ErrataProcess(t, { files: [file], env });
}
