/** What librdkafka reads of a topic, as committed: so that the engine's own reader is not the only witness. */
import { spawnSync } from 'node:child_process';
import { kcat } from '../harness/kcat.ts';
import type { TopicRecord } from '../harness/read_topic.ts';

/** Without kcat there is none, which is said once; with CI=true it is an error. */
export function hasSecondReader(): boolean {
  is_there ??= looked();
  return is_there;
}

let is_there: boolean | undefined;

function looked(): boolean {
  if (spawnSync('kcat', ['-V']).status === 0) return true;
  if (process.env.CI === 'true') throw new Error('kcat is not installed');
  console.error('kcat is not installed: librdkafka is no witness');
  return false;
}

/** What the two readers see differently. */
export async function secondReading(
  address: string,
  topic: string,
  records: readonly TopicRecord[],
): Promise<string[]> {
  const committed = ['-X', 'isolation.level=read_committed'];
  const args = ['-C', '-q', '-e', '-t', topic, '-o', 'beginning', ...committed, '-f', '%p/%o\n'];
  const read = new Set((await kcat(address, args)).split('\n').filter((line) => line !== ''));
  const own = new Set(records.map(({ partition, offset }) => `${partition}/${offset}`));
  return [
    ...[...own.difference(read)].map((position) => `${topic}/${position}: librdkafka does not read it`),
    ...[...read.difference(own)].map((position) => `${topic}/${position}: only librdkafka reads it`),
  ];
}
