/** Writes predictions and feedback into their topics, both keyed by prediction_id, and works out the answers. */
import type { Load } from '../job.ts';
import type { BenchKafka } from '../kafka.ts';
import { lastRecords, TopicWriter } from '../topic_writer.ts';
import { type Judgement, PipelineAnswers } from './answers.ts';
import { type PipelineOptions, PipelineStream } from './events.ts';
import { pipelineJob } from './job.ts';

export interface PipelineTopics {
  predictions: string;
  feedback: string;
}

export async function loadPipeline(
  kafka: BenchKafka,
  { predictions, feedback }: PipelineTopics,
  partitions: number,
  options: PipelineOptions,
): Promise<Load<Judgement>> {
  const writers = {
    prediction: await newTopic(kafka, predictions, partitions),
    feedback: await newTopic(kafka, feedback, partitions),
  };
  const answers = new PipelineAnswers();
  const stream = new PipelineStream(options);
  let counted = 0;
  let last_ms = options.from_ms + options.span_ms;
  for (let event = stream.next(); event; event = stream.next()) {
    const { kind, time_ms, json } = event;
    const key = event.kind === 'prediction' ? event.prediction_id : event.about.prediction_id;
    if (event.kind === 'feedback') {
      counted += 1;
      answers.add(event);
    }
    last_ms = Math.max(last_ms, time_ms);
    const sent = writers[kind].add({ key, time_ms, json });
    if (sent) await sent;
  }
  // The window of the last feedback is compared, too.
  const end_ms = last_ms + 300_000;
  for (const { key, time_ms } of lastRecords(partitions, end_ms)) {
    await writers.prediction.add({ key, time_ms, json: lastPrediction(key, time_ms) });
    await writers.feedback.add({ key, time_ms, json: lastFeedback(key, time_ms) });
  }
  await writers.prediction.end();
  await writers.feedback.end();
  return {
    job: pipelineJob,
    topics: { BENCH_PREDICTIONS: predictions, BENCH_FEEDBACK: feedback },
    partitions,
    events: options.predictions + counted,
    counted,
    answers: answers.finish(),
    end_ms,
  };
}

async function newTopic(kafka: BenchKafka, topic: string, partitions: number): Promise<TopicWriter> {
  await kafka.createTopic(topic, partitions);
  return new TopicWriter(kafka.brokers, topic, partitions);
}

function lastPrediction(prediction_id: string, time_ms: number): string {
  return `{"prediction_id":"${prediction_id}","timestamp":${time_ms},"model_version":"v1","deployment_id":"d-end","input_stats":{"mean":0,"std":1}}`;
}

function lastFeedback(prediction_id: string, time_ms: number): string {
  return `{"prediction_id":"${prediction_id}","feedback_type":"implicit","timestamp":${time_ms},"time_to_action":1}`;
}
