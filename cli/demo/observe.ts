/** What the loop said, read from its topics as anybody could. */
import type { Logger } from 'pino';
import { connectKafka, createCluster, type KafkaSettings } from '../../engine/kafka.ts';
import { LogReader, READER_DEFAULTS } from '../../engine/log_reader.ts';
import { readToEnd } from '../../engine/read_to_end.ts';
import type { Alert, Assessment } from '../../messages/assessment.ts';
import type { Rollout } from '../../messages/rollout.ts';
import type { Observed } from './report.ts';

export const TOPICS_OF_RESULTS = {
  alerts: 'mail.alerts',
  assessments: 'mail.assessments',
  rollouts: 'mail.rollouts',
};

/** A topic that the topology does not have has said nothing. */
export async function observe(
  kafka: KafkaSettings,
  partitions: Record<string, number>,
  log: Logger,
): Promise<Observed> {
  const cluster = createCluster(connectKafka(kafka, log));
  const reader = new LogReader(cluster, READER_DEFAULTS, log);
  const read = <Value>(topic: string) => readJson<Value>(reader, topic, partitions[topic] ?? 0);
  try {
    const assessments = await read<Assessment>(TOPICS_OF_RESULTS.assessments);
    const alerts = await read<Alert>(TOPICS_OF_RESULTS.alerts);
    const rollouts = await read<Rollout>(TOPICS_OF_RESULTS.rollouts);
    return {
      windows: new Set(
        assessments.map(({ window_start, model_version }) => `${window_start} ${model_version}`),
      ).size,
      alerts,
      rollouts: rollouts.filter(({ job_id }) => job_id !== null),
    };
  } finally {
    await reader.stop();
    await cluster.disconnect();
  }
}

async function readJson<Value>(reader: LogReader, topic: string, partitions: number): Promise<Value[]> {
  const values: Value[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    await readToEnd(reader, topic, partition, ({ value }) => {
      if (value) values.push(JSON.parse(value.toString('utf8')) as Value);
    });
  }
  return values;
}
