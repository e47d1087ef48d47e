/** The embedded broker on a free port with data in a temporary folder, ended with the test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Broker, type BrokerOptions, startBroker } from '../../broker/broker.ts';

/** What ends: a test, or whatever else tidies up behind itself. */
export type Ending = Pick<TestContext, 'after'>;

/** A folder that is removed when the test ends. */
export function temporaryFolder(t: Ending, prefix = 'errata-'): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function embeddedBroker(t: TestContext, options: Partial<BrokerOptions> = {}): Promise<Broker> {
  const broker = await startBroker({ port: 0, data_dir: temporaryFolder(t), ...options });
  t.after(() => broker.stop());
  return broker;
}
