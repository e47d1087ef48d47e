/** What the proxy tells Prometheus. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Capture } from './capture.ts';
import type { RequestObserver } from './proxy_server.ts';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export class ProxyMetrics {
  readonly #registry = new Registry();
  readonly #requests: Counter;
  readonly #seconds: Histogram;

  constructor(capture: Capture, inFlight: () => number) {
    const registers = [this.#registry];
    this.#requests = new Counter({
      name: 'errata_proxy_requests_total',
      help: 'Requests by what they were, the status sent and how they ended',
      labelNames: ['kind', 'status', 'ending'],
      registers,
    });
    this.#seconds = new Histogram({
      name: 'errata_proxy_inference_seconds',
      help: "From an inference's head to the last byte of its response",
      buckets: SECONDS,
      registers,
    });
    new Gauge({
      name: 'errata_proxy_requests_in_flight',
      help: 'Requests under way',
      registers,
      collect() {
        this.set(inFlight());
      },
    });
    tellCapture(capture, registers);
    collectDefaultMetrics({ register: this.#registry });
  }

  readonly observe: RequestObserver = ({ is_inference, ended, latency_ms }) => {
    const kind = is_inference ? 'inference' : 'other';
    this.#requests.inc({ kind, status: ended.status ?? 'none', ending: ended.ending });
    if (is_inference) this.#seconds.observe(latency_ms / 1_000);
  };

  get content_type(): string {
    return this.#registry.contentType;
  }

  render(): Promise<string> {
    return this.#registry.metrics();
  }
}

function tellCapture(capture: Capture, registers: Registry[]): void {
  new Counter({
    name: 'errata_proxy_captured_total',
    help: 'Inferences by what became of their prediction events; with those buffered they are all there were',
    labelNames: ['outcome'],
    registers,
    collect() {
      const { published, dropped, failed } = capture.stats();
      this.reset();
      for (const [outcome, count] of Object.entries({ published, dropped, failed }))
        this.inc({ outcome }, count);
    },
  });
  const gauges = {
    errata_proxy_buffered_predictions: {
      help: 'Prediction events that Kafka has not acknowledged yet',
      read: () => capture.stats().buffered,
    },
    errata_proxy_buffered_bytes: {
      help: 'Bytes of them',
      read: () => capture.stats().buffered_bytes,
    },
    errata_proxy_kafka_reachable: {
      help: '0 if the last attempt to deliver failed, else 1',
      read: () => (capture.stats().kafka_problem === undefined ? 1 : 0),
    },
  };
  for (const [name, { help, read }] of Object.entries(gauges)) {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  }
}
