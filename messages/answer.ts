/** An output is the answer itself, or an object that holds it as `label` beside e.g. a confidence. */
export function answerOf(output: unknown): unknown {
  return typeof output === 'object' && output !== null && 'label' in output ? output.label : output;
}
