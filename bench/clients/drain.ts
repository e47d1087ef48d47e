/**
 * What kafkajs by itself can do: `node drain.ts drain|parse` reads all events in batches, with or without parsing their
 * JSON, and says `done`.
 */
import { Kafka, logLevel } from 'kafkajs';

const { KAFKA_BROKERS, BENCH_RUN, BENCH_EVENTS, BENCH_EVENT_COUNT } = process.env as Record<string, string>;
const parses = process.argv[2] === 'parse';
const kafka = new Kafka({ brokers: [KAFKA_BROKERS!], logLevel: logLevel.ERROR });
const consumer = kafka.consumer({
  groupId: BENCH_RUN!,
  maxBytesPerPartition: 4 << 20,
  maxBytes: 16 << 20,
});
let left = Number(BENCH_EVENT_COUNT);
let characters = 0;

await consumer.connect();
await consumer.subscribe({ topic: BENCH_EVENTS!, fromBeginning: true });
await consumer.run({
  eachBatch: async ({ batch: { messages } }) => {
    if (parses)
      for (const { value } of messages) characters += JSON.parse(value!.toString()).deployment_id.length;
    left -= messages.length;
    // The last record of each partition is not counted.
    if (left <= 0) console.log('done', characters);
  },
});
