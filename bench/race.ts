/** Contenders in turn, round after round. */
import type { Contender } from './contenders.ts';
import { type Counted, type Load, WINDOW_MS } from './job.ts';
import type { BenchKafka } from './kafka.ts';
import { type Measurement, measure } from './measure.ts';
import { line } from './report.ts';

/** Event times that are over before now, as all is that an application has sent. */
export function eventTimes(minutes: number): { from_ms: number; span_ms: number } {
  const span_ms = minutes * 60_000;
  return { from_ms: Math.floor((Date.now() - span_ms - 3_600_000) / WINDOW_MS) * WINDOW_MS, span_ms };
}

export async function timed<Answer extends Counted>(loading: Promise<Load<Answer>>): Promise<Load<Answer>> {
  const begun_ms = Date.now();
  const load = await loading;
  console.log(`${load.events} events loaded in ${((Date.now() - begun_ms) / 1000).toFixed(1)} s`);
  return load;
}

/** Figures of those whose results were right; the others are told and left out. */
export async function race<Answer extends Counted>(
  kafka: BenchKafka,
  load: Load<Answer>,
  contenders: readonly Contender[],
  rounds: number,
  name = 'run',
): Promise<Measurement[]> {
  const measured: Measurement[] = [];
  for (let round = 1; round <= rounds; round++)
    for (const [index, contender] of contenders.entries()) {
      const outcome = await measure(kafka, load, contender, `${name}-${round}-${index}`);
      if (outcome.kind === 'measured') measured.push(outcome.measurement);
      const said =
        outcome.kind === 'measured' ? line(outcome.measurement) : `FAILED: ${outcome.reasons.join('\n  ')}`;
      console.log(`${round} ${contender.name.padEnd(32)} ${said}`);
    }
  return measured;
}
