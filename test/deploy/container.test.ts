/**
 * docker-compose.yml without Docker: the image is built by its Dockerfile, and errata, Apache Kafka and Prometheus run from it
 * as they are described there, in a network of their own. What happens in it is told by wired.ts.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { REPOSITORY, readComposeFile } from '../harness/compose_file.ts';
import { temporaryFolder } from '../harness/embedded.ts';
import { buildImage } from '../harness/image.ts';
import { kafkaJars } from '../harness/kafka_jars.ts';
import { noLayeredRoot } from '../harness/layered_root.ts';
import { inNetwork } from '../harness/own_network.ts';

/** Where Kafka's jars are; undefined if the test is skipped. */
function withMachinery(t: TestContext, scratch: string): string | undefined {
  const jars = kafkaJars();
  const missing =
    ('missing' in jars ? jars.missing : null) ??
    noLayeredRoot(scratch) ??
    noProgram('prometheus', '--version') ??
    noProgram('ip', '-V');
  if ('folder' in jars && missing === null) return jars.folder;
  if (process.env.CI === 'true') throw new Error(missing!);
  console.error(`SKIPPED: ${t.name}: ${missing}`);
  t.skip(missing!);
  return undefined;
}

function noProgram(name: string, argument: string): string | null {
  return spawnSync(name, [argument]).status === 0 ? null : `there is no ${name}`;
}

test('the services of docker-compose.yml work together', async (t) => {
  const scratch = temporaryFolder(t);
  chmodSync(scratch, 0o755);
  const jars = withMachinery(t, scratch);
  if (jars === undefined) return;
  const image_file = join(scratch, 'image.json');
  writeFileSync(image_file, JSON.stringify(buildImage(REPOSITORY, scratch)));

  const names = Object.keys(readComposeFile().services);
  const story = [process.execPath, '--test', '--test-reporter=spec', join(import.meta.dirname, 'wired.ts')];
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
  const { status, output } = await inNetwork({ names, scratch }, story, {
    ...inherited,
    ERRATA_IMAGE: image_file,
    ERRATA_KAFKA_JARS: jars,
    ERRATA_SCRATCH: scratch,
  });
  assert.equal(status, 0, output);
});
