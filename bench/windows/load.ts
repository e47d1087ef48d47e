/** Writes the events into their topic, in the order of event time and keyed by deployment, and works out the answers. */
import type { Load } from '../job.ts';
import type { BenchKafka } from '../kafka.ts';
import { lastRecords, TopicWriter } from '../topic_writer.ts';
import { type WindowAnswer, WindowAnswers } from './answers.ts';
import { type EventOptions, EventStream } from './events.ts';
import { windowsJob } from './job.ts';

export async function loadWindows(
  kafka: BenchKafka,
  topic: string,
  partitions: number,
  options: EventOptions,
): Promise<Load<WindowAnswer>> {
  await kafka.createTopic(topic, partitions);
  const writer = new TopicWriter(kafka.brokers, topic, partitions);
  const answers = new WindowAnswers();
  const stream = new EventStream(options);
  while (stream.left > 0) {
    const event = stream.next();
    answers.add(event);
    const sent = writer.add({ key: event.deployment_id, ...event });
    if (sent) await sent;
  }
  const end_ms = options.from_ms + options.span_ms;
  for (const { key, time_ms } of lastRecords(partitions, end_ms))
    await writer.add({ key, time_ms, json: lastEvent(key, time_ms) });
  await writer.end();
  return {
    job: windowsJob,
    topics: { BENCH_EVENTS: topic },
    partitions,
    events: options.events,
    counted: options.events,
    answers: answers.finish(),
    end_ms,
  };
}

function lastEvent(deployment_id: string, time_ms: number): string {
  return `{"prediction_id":"p-end","feedback_type":"implicit","timestamp":${time_ms},"time_to_action":1,"deployment_id":"${deployment_id}","model_version":"v1"}`;
}
