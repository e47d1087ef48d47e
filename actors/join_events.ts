/** The events that capture makes of predictions and feedback. */
import { type Event, UNKNOWN } from '../messages/event.ts';
import type { Feedback } from '../messages/feedback.ts';
import type { Prediction } from '../messages/prediction.ts';
import type { Predicted } from './join_state.ts';

/*
 * Made for every record, so fields are set where they are there: spreading an object for each that may be missing takes
 * more than twice as long.
 */

export function predictionEvent(value: Prediction, time_ms: number): Event {
  return { op: 'add', origin: 'prediction', time_ms, ...predictedBy(value) };
}

export function predictedBy(value: Prediction): Predicted {
  const { deployment_id, model_version, input_stats, latency_ms, server_load } = value;
  const predicted: Predicted = { deployment_id, model_version };
  if (input_stats) predicted.input_stats = input_stats;
  if (latency_ms !== undefined) predicted.latency_ms = latency_ms;
  if (server_load !== undefined) predicted.server_load = server_load;
  return predicted;
}

/** Counted under what the feedback names itself until its prediction is known. */
export function feedbackEvent(feedback: Feedback, time_ms: number): Event {
  const { deployment_id = UNKNOWN, model_version = UNKNOWN, rating, time_to_action, input_stats } = feedback;
  const event: Event = { op: 'add', origin: 'feedback', time_ms, deployment_id, model_version };
  if (typeof rating === 'number') event.rating = rating;
  if (typeof time_to_action === 'number') event.time_to_action = time_to_action;
  if (input_stats) event.input_stats = input_stats;
  return event;
}

/** Feedback counted under its prediction, with what the prediction tells about the input. */
export function underPrediction(event: Event, predicted: Predicted): Event {
  const { deployment_id, model_version, input_stats, latency_ms, server_load } = predicted;
  const moved: Event = { ...event, deployment_id, model_version };
  if (input_stats && !event.input_stats) moved.input_stats = input_stats;
  if (latency_ms !== undefined) moved.latency_ms ??= latency_ms;
  if (server_load !== undefined) moved.server_load ??= server_load;
  return moved;
}
