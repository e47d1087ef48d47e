/** How it grows: more keys, more partitions, larger events; errata and the best peer, one round each. */
import { errata, flink } from './contenders.ts';
import type { BenchKafka } from './kafka.ts';
import type { Measurement } from './measure.ts';
import { eventTimes, race, timed } from './race.ts';
import { loadWindows } from './windows/load.ts';

interface Size {
  keys: number;
  partitions: number;
  event_bytes: number;
}

export interface Grown extends Size {
  measured: Measurement[];
}

const STANDARD: Size = { keys: 1_000, partitions: 4, event_bytes: 310 };
const SIZES: Size[] = [
  STANDARD,
  { ...STANDARD, keys: 10_000 },
  { ...STANDARD, keys: 100_000 },
  { ...STANDARD, partitions: 16 },
  { ...STANDARD, event_bytes: 1_000 },
  { ...STANDARD, event_bytes: 4_000 },
];
/** Larger events are fewer, so that all sizes fit into the page cache alike. */
const MOST_BYTES = 1.3e9;

export async function growth(kafka: BenchKafka, events: number, seed: number): Promise<Grown[]> {
  const grown: Grown[] = [];
  for (const [index, size] of SIZES.entries()) {
    const topic = `growth-${index}.events`;
    const options = { ...eventTimes(60), seed, ...size };
    const count = Math.min(events, Math.floor(MOST_BYTES / size.event_bytes));
    console.log(`${size.keys} keys, ${size.partitions} partitions, ${size.event_bytes} bytes`);
    const load = await timed(loadWindows(kafka, topic, size.partitions, { ...options, events: count }));
    const contenders = [errata('windows.yaml', 2, 'exactly_once'), flink(2, 'exactly_once')];
    grown.push({ ...size, measured: await race(kafka, load, contenders, 1, `growing-${index}`) });
    await kafka.deleteTopicsOf(topic);
  }
  return grown;
}
