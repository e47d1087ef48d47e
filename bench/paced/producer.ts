/**
 * A process that sends events at a pace: `node producer.ts BROKERS PACE.json`. It tells on standard output when it begins
 * and, at the end, by how much it was late at most.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { partitionForKey } from '../../wire/murmur2.ts';
import { BatchProducer } from '../batch_producer.ts';
import { EventStream, type MadeEvent } from '../windows/events.ts';
import { earlierMs, eventsPerBatch, type Pace, tickMs, ticks, tickTime } from './pace.ts';
import { BatchTemplate } from './template.ts';

const TEMPLATES = 8;

const brokers = process.argv[2]!;
const pace = JSON.parse(process.argv[3]!) as Pace;
const templates = makeTemplates(pace);
const producers = templates.map((_, partition) => new BatchProducer(brokers, pace.topic, partition));

/** Per partition, with keys that belong there. */
function makeTemplates({ partitions, keys, seed, event_bytes, from_ms }: Pace): BatchTemplate[][] {
  const size = eventsPerBatch(pace);
  const by_partition = Array.from({ length: partitions }, (): MadeEvent[] => []);
  const stream = new EventStream({ seed, keys, event_bytes, events: 1e12, from_ms, span_ms: 0 });
  while (by_partition.some((events) => events.length < size * TEMPLATES)) {
    const event = stream.next();
    by_partition[partitionForKey(Buffer.from(event.deployment_id), partitions)]!.push(event);
  }
  return by_partition.map((events) =>
    Array.from({ length: TEMPLATES }, (_, index) => {
      const own = events.slice(index * size, (index + 1) * size);
      return new BatchTemplate(own, (at) => earlierMs(at, size));
    }),
  );
}

const begun_ms = Date.now() + 200;
console.log(JSON.stringify({ begun_ms }));
let unanswered = 0;
let late_ms = 0;
for (let tick = 0; tick < ticks(pace); tick++) {
  const due_ms = begun_ms + tick * tickMs(pace);
  if (due_ms > Date.now()) await delay(due_ms - Date.now());
  else if (tick % 50 === 0) await delay(0);
  for (const [partition, producer] of producers.entries()) {
    unanswered += 1;
    const batch = templates[partition]![tick % TEMPLATES]!.at(tickTime(pace, tick));
    void producer.send(batch).then(() => {
      unanswered -= 1;
      late_ms = Math.max(late_ms, Date.now() - due_ms);
    });
  }
}
while (unanswered > 0) await delay(5);
console.log(JSON.stringify({ late_ms }));
process.exit();
