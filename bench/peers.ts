/** Kafka Streams and Flink jobs, built by Maven into the cache folder. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { cacheFolder } from '../test/harness/fetched_folder.ts';

export type Peer = 'kafka-streams' | 'flink';

const SOURCES = join(import.meta.dirname, 'peers');
const BUILT = cacheFolder('bench');

/** Throws with Maven's words where that fails. */
export function buildPeers(): void {
  const goals = ['package', 'dependency:copy-dependencies', '-DincludeScope=runtime'];
  const args = ['-q', '-B', '-f', join(SOURCES, 'pom.xml'), `-Dout=${BUILT}`, ...goals];
  const { status, stdout, error } = spawnSync('mvn', args, { encoding: 'utf8' });
  if (error) throw new Error(`the peers need Maven and Java 17: ${error.message}`);
  if (status !== 0) throw new Error(`the peers were not built: ${stdout.slice(-2_000)}`);
}

export function peerClasspath(peer: Peer): string {
  return [join(BUILT, peer, 'classes'), join(BUILT, peer, 'jars', '*')].join(':');
}
