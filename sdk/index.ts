/**
 * What applications import to publish what their models do and what people make of it.
 *
 * `const publisher = kafkaPublisher({ brokers })`, then `captureServing({ publisher, … })` beside the model and
 * `new FeedbackClient({ publisher })` beside the people.
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
export { type KafkaPublisherOptions, kafkaPublisher } from './kafka_publisher.ts';
export type { Inference } from './prediction_message.ts';
export type { Draft, Message, MessageKind, Publisher, PublisherStats, Transport } from './publisher.ts';
export {
  captureServing,
  type ServingCapture,
  type ServingCaptureOptions,
} from './serving_capture.ts';
