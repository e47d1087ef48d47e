/**
 * A thread of its own in which exchanges are parsed and published, so that no JSON and no Kafka holds up an inference.
 * `PublishingSettings` come as worker data; for each exchange its end comes back.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { ErrataError } from '../messages/errata_error.ts';
import type { Delivery } from '../sdk/delivery.ts';
import { type KafkaPublisherOptions, kafkaPublisher } from '../sdk/kafka_publisher.ts';
import { type Exchange, sizeOf } from './exchange.ts';
import { exchangeMessage, type Naming } from './exchange_message.ts';

export interface PublishingSettings {
  naming: Naming;
  kafka: KafkaPublisherOptions;
}

export type ToThread = { type: 'exchange'; exchange: Exchange } | { type: 'close' };

/** What became of exchanges since the last word. */
export interface Settled {
  published: number;
  dropped: number;
  failed: number;
  size_bytes: number;
  /** Why the last one was dropped or failed. */
  problem: string | undefined;
  /** Why the last attempt to deliver failed; undefined once one has succeeded. */
  kafka_problem: string | undefined;
}

/** How often the other side hears of it. */
const REPORT_MS = 50;

function run(port: MessagePort, { naming, kafka }: PublishingSettings): void {
  const publisher = kafkaPublisher(kafka);
  let settled = nothing();
  let reported_problem: string | undefined;

  const report = () => {
    const kafka_problem = publisher.stats().last_problem;
    if (settled.size_bytes === 0 && kafka_problem === reported_problem) return;
    reported_problem = kafka_problem;
    port.postMessage({ ...settled, kafka_problem } satisfies Settled);
    settled = nothing();
  };
  const timer = setInterval(report, REPORT_MS);

  const publish = (exchange: Exchange) => {
    const size_bytes = sizeOf(exchange);
    const onSettled = (delivery: Delivery) => {
      settled[delivery.outcome]++;
      settled.size_bytes += size_bytes;
      if (delivery.outcome !== 'published') settled.problem = delivery.reason;
    };
    const draft = { size_bytes, write: () => exchangeMessage(exchange, naming) };
    publisher.publish('prediction', draft, onSettled);
  };

  port.on('message', async (message: ToThread) => {
    if (message.type === 'exchange') return publish(message.exchange);
    await publisher.close();
    clearInterval(timer);
    report();
    port.close();
  });
}

function nothing(): Settled {
  return { published: 0, dropped: 0, failed: 0, size_bytes: 0, problem: undefined, kafka_problem: undefined };
}

if (!parentPort) throw new ErrataError('E_INTERNAL', 'this module is the body of a worker thread');
run(parentPort, workerData as PublishingSettings);
