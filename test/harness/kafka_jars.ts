/** Apache Kafka's jars from Maven Central, kept in a cache folder: fetched once, used by every run. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const KAFKA_VERSION = '4.1.0';
const ARTIFACTS = ['kafka_2.13', 'kafka-tools'];

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>errata</groupId><artifactId>kafka-for-tests</artifactId><version>1</version>
  <dependencies>${ARTIFACTS.map(
    (artifact) => `<dependency><groupId>org.apache.kafka</groupId><artifactId>${artifact}</artifactId>
      <version>${KAFKA_VERSION}</version></dependency>`,
  ).join('')}</dependencies>
</project>`;

function has(command: string, argument: string): boolean {
  return spawnSync(command, [argument], { stdio: 'ignore' }).status === 0;
}

/** The folder with the jars, or why there is none. */
export function kafkaJars(): { folder: string } | { missing: string } {
  if (!has('java', '-version')) return { missing: 'there is no java' };
  const cache = resolve(process.env.ERRATA_CACHE ?? join(import.meta.dirname, '../../.cache'), 'kafka');
  const folder = join(cache, KAFKA_VERSION);
  if (existsSync(folder) && readdirSync(folder).some((name) => name.startsWith('kafka_2.13')))
    return { folder };
  if (!has('mvn', '--version')) return { missing: 'there is no mvn to fetch Apache Kafka with' };
  return download(cache, folder);
}

/** Into a folder of its own first, so that a cut download is never taken for a whole one. */
function download(cache: string, folder: string): { folder: string } | { missing: string } {
  const work = join(cache, `download-${process.pid}`);
  mkdirSync(work, { recursive: true });
  writeFileSync(join(work, 'pom.xml'), POM);
  const { status, stdout } = spawnSync(
    'mvn',
    ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${join(work, 'jars')}`],
    { cwd: work, encoding: 'utf8', timeout: 240_000 },
  );
  if (status !== 0) {
    rmSync(work, { recursive: true, force: true });
    return { missing: `mvn could not fetch Apache Kafka ${KAFKA_VERSION}: ${stdout.slice(0, 500)}` };
  }
  // Another run may have been quicker; then its folder stays.
  if (!existsSync(folder)) renameSync(join(work, 'jars'), folder);
  rmSync(work, { recursive: true, force: true });
  return { folder };
}
