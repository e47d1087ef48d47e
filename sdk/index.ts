/**
 * What applications import to publish what their models do and what people make of it.
 *
 * A publisher first, each from a module of its own that loads its client when it is used: `kafkaPublisher`,
 * `pubSubPublisher`, `httpPublisher`. Then `captureServing({ publisher, … })` beside the model, or `captureLayer` in it
 * (`capture_layer.ts`, for tfjs), and `new FeedbackClient({ publisher })` beside the people.
 */
export { ErrataError } from '../messages/errata_error.ts';
export type { InputStats } from '../messages/prediction.ts';
export type { Timestamp } from '../messages/timestamp.ts';
export { BUFFER_DEFAULTS, BufferedPublisher, type BufferOptions } from './buffered_publisher.ts';
export type { Delivery, DeliveryStats } from './delivery.ts';
export {
  type ExplicitFeedback,
  FeedbackClient,
  type FeedbackClientOptions,
  type ImplicitFeedback,
} from './feedback_client.ts';
export { type InputSummary, type NumericInput, summariseInput } from './input_stats.ts';
export type { Inference } from './prediction_message.ts';
export type {
  Draft,
  Message,
  MessageKind,
  Publisher,
  PublisherStats,
  Refused,
  Transport,
} from './publisher.ts';
export {
  captureServing,
  type ServingCapture,
  type ServingCaptureOptions,
} from './serving_capture.ts';
