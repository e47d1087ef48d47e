/** The published pattern key: `mean_{int(mean)}_std_{int(std)}`. */
import type { InputStats } from './prediction.ts';

export function patternKey({ mean, std }: InputStats): string {
  return `mean_${truncated(mean)}_std_${truncated(std)}`;
}

/** As Python writes `int(x)`: towards zero, without a sign on zero, all digits however many. */
function truncated(value: number): string {
  const whole = Math.trunc(value);
  return Number.isSafeInteger(whole) ? String(whole + 0) : BigInt(whole).toString();
}
