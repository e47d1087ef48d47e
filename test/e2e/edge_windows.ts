/** Small windows that sit exactly on a limit of the published rule, and their neighbours on the other side. */
import type { Batch, MadeFeedback } from './made_input.ts';

interface Edge {
  /** `n` events of each kind of input; patterns are counted by their names here. */
  patterns: Record<string, number>;
  /** Events with the lowest rating that is an error, and with the shortest time that is one. */
  low: number;
  slow: number;
}

/** On the left the value that is just not enough. */
const EDGES: Edge[] = [
  // Error rate 3/10 is not above 0.3; 4/10 is, and so is 1 slow + 3 low.
  { patterns: { a: 10 }, low: 3, slow: 0 },
  { patterns: { a: 10 }, low: 4, slow: 0 },
  { patterns: { a: 10 }, low: 3, slow: 1 },
  // One low and slow event in six is 2/6.
  { patterns: { a: 6 }, low: 1, slow: 1 },
  // A pattern of 1 in 10 is not above a tenth, 2 in 19 is.
  { patterns: { a: 9, b: 1 }, low: 10, slow: 0 },
  { patterns: { a: 17, b: 2 }, low: 19, slow: 0 },
  // 3 of 30: the limit 0.1 × 30 as a double.
  { patterns: { a: 27, b: 3 }, low: 30, slow: 0 },
  // Half is medium, a little more is high.
  { patterns: { a: 5, b: 5 }, low: 10, slow: 0 },
  { patterns: { a: 6, b: 5 }, low: 11, slow: 0 },
  // 0.3 is low, a little more is medium.
  { patterns: { a: 3, b: 3, c: 2, d: 2 }, low: 10, slow: 0 },
  { patterns: { a: 4, b: 3, c: 3, d: 3 }, low: 13, slow: 0 },
  // Eleven equal patterns: none is above a tenth.
  { patterns: Object.fromEntries(Array.from('abcdefghijk', (name) => [name, 1])), low: 11, slow: 11 },
];

/** Each in a deployment of its own, all in the first window. */
export function edgeWindows(from_ms: number, size_ms: number): Batch[] {
  return EDGES.map((edge, index) => edgeWindow(edge, `edge-${index}`, from_ms, size_ms));
}

function edgeWindow(
  { patterns, low, slow }: Edge,
  deployment_id: string,
  from_ms: number,
  size_ms: number,
): Batch {
  const inputs = Object.entries(patterns).flatMap(([name, count]) => Array<string>(count).fill(name));
  const made = inputs.map((name, n) => {
    const prediction_id = `${deployment_id}-${n}`;
    // The first and the last millisecond of the window, and all between.
    const at_ms = n === 0 ? from_ms : n === 1 ? from_ms + size_ms - 1 : from_ms + n * 1000;
    const feedback: MadeFeedback['body'] = {
      prediction_id,
      timestamp: at_ms,
      feedback_type: 'explicit',
      rating: n < low ? 2.999999 : 3,
      time_to_action: n < slow ? 30.000001 : 30,
    };
    const mean = name.charCodeAt(0) - 'a'.charCodeAt(0);
    const prediction = {
      prediction_id,
      timestamp: at_ms,
      deployment_id,
      model_version: '1',
      // Truncation: -0.9 and 0.9 are one pattern.
      input_stats: { mean: mean === 0 ? (n % 2 ? -0.9 : 0.9) : mean, std: 0.5 },
    };
    return { prediction: { at_ms, body: prediction }, feedback: { at_ms, body: feedback } };
  });
  return {
    predictions: made.map(({ prediction }) => prediction),
    feedback: made.map(({ feedback }) => feedback),
  };
}
