/** Windows over feedback, per deployment. */
import { isClose, type Job } from '../job.ts';
import { type WindowAnswer, windowKey } from './answers.ts';

const TOLERANCE = { error_rate: 1e-12, mean: 1e-9, variance: 1e-6, p95: 0.02 };

interface PeerResult extends WindowAnswer {
  deployment_id: string;
  window_start: number;
}

interface ErrataResult {
  key: { deployment_id: string };
  window_start: string;
  total_events: number;
  error_rate: number;
  measures: { time_to_action: { mean: number; variance: number; p95: number } };
}

export const windowsJob: Job<WindowAnswer> = {
  parse(json) {
    const value = JSON.parse(json) as PeerResult | ErrataResult;
    return 'measures' in value ? ofErrata(value) : ofPeer(value);
  },
  differences(expected, said) {
    const tell = (field: keyof WindowAnswer) => `${field} is ${said[field]}, should be ${expected[field]}`;
    const floats = Object.entries(TOLERANCE) as [keyof typeof TOLERANCE, number][];
    const different = floats.filter(
      ([field, tolerance]) => !isClose(said[field], expected[field], tolerance),
    );
    return [
      ...(said.count === expected.count ? [] : [tell('count')]),
      ...different.map(([field]) => tell(field)),
    ];
  },
};

function ofPeer({ deployment_id, window_start, ...answer }: PeerResult) {
  const { count, error_rate, mean, variance, p95 } = answer;
  return {
    key: windowKey(window_start, deployment_id),
    answer: { count, error_rate, mean, variance, p95 },
  };
}

function ofErrata({ key, window_start, total_events, error_rate, measures }: ErrataResult) {
  const { mean, variance, p95 } = measures.time_to_action;
  return {
    key: windowKey(Date.parse(window_start), key.deployment_id),
    answer: { count: total_events, error_rate, mean, variance, p95 },
  };
}
