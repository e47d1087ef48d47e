/** The events that capture makes of predictions and feedback. */
import { type Event, UNKNOWN } from '../messages/event.ts';
import type { Feedback } from '../messages/feedback.ts';
import type { Prediction } from '../messages/prediction.ts';
import type { Predicted } from './join_state.ts';

export function predictionEvent(value: Prediction, time_ms: number): Event {
  return { op: 'add', origin: 'prediction', time_ms, ...predictedBy(value) };
}

export function predictedBy(value: Prediction): Predicted {
  const { deployment_id, model_version, input_stats, latency_ms, server_load } = value;
  return {
    deployment_id,
    model_version,
    ...(input_stats ? { input_stats } : {}),
    ...(latency_ms === undefined ? {} : { latency_ms }),
    ...(server_load === undefined ? {} : { server_load }),
  };
}

/** Counted under what the feedback names itself until its prediction is known. */
export function feedbackEvent(feedback: Feedback, time_ms: number): Event {
  const { deployment_id, model_version, rating, time_to_action, input_stats } = feedback;
  return {
    op: 'add',
    origin: 'feedback',
    time_ms,
    deployment_id: deployment_id ?? UNKNOWN,
    model_version: model_version ?? UNKNOWN,
    ...(typeof rating === 'number' ? { rating } : {}),
    ...(typeof time_to_action === 'number' ? { time_to_action } : {}),
    ...(input_stats ? { input_stats } : {}),
  };
}

/** Feedback counted under its prediction, with what the prediction tells about the input. */
export function underPrediction(event: Event, predicted: Predicted): Event {
  return {
    ...predicted,
    ...event,
    deployment_id: predicted.deployment_id,
    model_version: predicted.model_version,
  };
}
