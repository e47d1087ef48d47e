/** Test support: a topology without mistakes to break line by line, and lint's answers in a short form. */
import type { Environment } from './environment.ts';
import { lint } from './lint.ts';
import type { Problem } from './problem.ts';

/** Line → text; line 1 is `topology`. */
export const SOUND_LINES: readonly string[] = [
  'topology: triage',
  'partitions: 4',
  'sources:',
  '  predictions: { kafka: { topic: in.predictions }, key: prediction_id, partitioner: murmur2 }',
  '  feedback: { kafka: { topic: in.feedback } }',
  'actors:',
  '  capture: { from: [predictions, feedback], join: { wait: 24h } }',
  '  stats: { kind: window, from: capture, tumbling: 5m, lateness: 24h, idle: 30s }',
  '  severity: { from: stats, strategies: [threshold] }',
  '  retraining: { from: severity, trainer: text_logistic }',
  '  rollout: { from: retraining }',
  'sinks:',
  '  alerts: { from: severity, kafka: { topic: out.alerts } }',
  '  rollouts: { from: rollout, kafka: { topic: out.rollouts } }',
];

/** The sound topology with some lines replaced (numbers from 1); an array stands for several lines. */
export function soundTopology(replaced: Readonly<Record<number, string | string[]>> = {}): string {
  return SOUND_LINES.flatMap((line, index) => replaced[index + 1] ?? line).join('\n');
}

export function lintText(text: string, env: Environment = {}): Problem[] {
  return lint(text, 'topology.yaml', env).problems;
}

/** `line:column CODE`, with `→ suggestion` where there is one. */
export function shortly({ line, column, code, suggestion }: Problem): string {
  return `${line}:${column} ${code}${suggestion === null ? '' : ` → ${suggestion}`}`;
}
