/** Apache Kafka's jars from Maven Central, kept in a cache folder: fetched once, used by every run. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, fetchedFolder } from './fetched_folder.ts';

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
  const folder = cacheFolder('kafka', KAFKA_VERSION);
  const missing = fetchedFolder(folder, download);
  return missing === null ? { folder } : { missing };
}

function download(into: string): string | null {
  if (!has('mvn', '--version')) return 'there is no mvn to fetch Apache Kafka with';
  const work = `${into}-pom`;
  mkdirSync(work, { recursive: true });
  writeFileSync(join(work, 'pom.xml'), POM);
  const { status, stdout } = spawnSync(
    'mvn',
    ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${into}`],
    { cwd: work, encoding: 'utf8', timeout: 240_000 },
  );
  rmSync(work, { recursive: true, force: true });
  return status === 0 ? null : `mvn could not fetch Apache Kafka ${KAFKA_VERSION}: ${stdout.slice(0, 500)}`;
}
