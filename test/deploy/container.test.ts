/**
 * docker-compose.yml without Docker: the image is built by its Dockerfile, and errata from it, Apache Kafka, Prometheus and what
 * stands for Google's services run as they are described there, in a network of their own. What happens in it is told by
 * wired.ts and wired_google.ts.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { bqemulatorPackage } from '../harness/bqemulator_package.ts';
import { REPOSITORY, readComposeFile } from '../harness/compose_file.ts';
import { temporaryFolder } from '../harness/embedded.ts';
import { goTool } from '../harness/go_tool.ts';
import { buildImage } from '../harness/image.ts';
import { kafkaJars } from '../harness/kafka_jars.ts';
import { noLayeredRoot } from '../harness/layered_root.ts';
import { inNetwork } from '../harness/own_network.ts';
import type { Machinery } from './wired_parts.ts';

/** Undefined if the test is skipped. */
function withMachinery(t: TestContext, scratch: string): Machinery | undefined {
  const [jars, fake, bqemulator] = [kafkaJars(), goTool('pubsub_fake'), bqemulatorPackage()];
  const missing =
    [jars, fake, bqemulator].flatMap((part) => ('missing' in part ? [part.missing] : []))[0] ??
    noLayeredRoot(scratch) ??
    noProgram('prometheus', '--version') ??
    noProgram('ip', '-V');
  if ('folder' in jars && 'binary' in fake && 'modules' in bqemulator && missing === null)
    return { kafka_jars: jars.folder, pubsub_fake: fake.binary, bqemulator };
  if (process.env.CI === 'true') throw new Error(missing!);
  console.error(`SKIPPED: ${t.name}: ${missing}`);
  t.skip(missing!);
  return undefined;
}

function noProgram(name: string, argument: string): string | null {
  return spawnSync(name, [argument]).status === 0 ? null : `there is no ${name}`;
}

test('the services of docker-compose.yml work together', { timeout: 600_000 }, async (t) => {
  const scratch = temporaryFolder(t);
  chmodSync(scratch, 0o755);
  const machinery = withMachinery(t, scratch);
  if (machinery === undefined) return;
  const image_file = join(scratch, 'image.json');
  writeFileSync(image_file, JSON.stringify(buildImage(REPOSITORY, scratch)));

  const names = Object.keys(readComposeFile().services);
  const stories = ['wired.ts', 'wired_google.ts'].map((file) => join(import.meta.dirname, file));
  // One after the other: they have the same ports.
  const command = [process.execPath, '--test', '--test-concurrency=1', '--test-reporter=spec', ...stories];
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
  const { status, output } = await inNetwork({ names, scratch }, command, {
    ...inherited,
    ERRATA_IMAGE: image_file,
    ERRATA_MACHINERY: JSON.stringify(machinery),
    ERRATA_SCRATCH: scratch,
  });
  assert.equal(status, 0, output);
});
