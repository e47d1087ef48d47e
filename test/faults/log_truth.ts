/** The input as it stands in the log, read back: what every judgement of a drill starts from. */
import { HEARTBEAT_HEADER } from '../../messages/heartbeat.ts';
import { parseTimestamp } from '../../messages/timestamp.ts';
import type { MadeFeedback, MadePrediction } from '../e2e/made_input.ts';
import type { TopicRecord } from '../harness/read_topic.ts';
import { type DrillKind, type DrillSource, KIND_HEADER, NUMBER_HEADER } from './drill_input.ts';

interface Entered {
  /** `topic/partition/offset`. */
  position: string;
  /** No watermark was past this when the record was read, whoever read it. */
  watermark_at_most_ms: number;
}

export type EnteredPrediction = Entered & MadePrediction;
export type EnteredFeedback = Entered & MadeFeedback;

export interface SetAside extends Entered {
  source: DrillSource;
  code: string;
}

export interface InputLog {
  predictions: EnteredPrediction[];
  feedback: EnteredFeedback[];
  dead: SetAside[];
  late: SetAside[];
  numbers: Set<string>;
}

/** `disorder_ms`: by how much the watermark stays behind the latest record of a partition. */
export function readInput(
  topics: Record<DrillSource, { topic: string; records: readonly TopicRecord[] }>,
  disorder_ms: number,
): InputLog {
  const log: InputLog = { predictions: [], feedback: [], dead: [], late: [], numbers: new Set() };
  for (const source of ['predictions', 'feedback'] as const) {
    const { topic, records } = topics[source];
    for (const own of Map.groupBy(records, ({ partition }) => partition).values())
      readPartition(log, source, topic, own, disorder_ms);
  }
  return log;
}

function readPartition(
  log: InputLog,
  source: DrillSource,
  topic: string,
  records: readonly TopicRecord[],
  disorder_ms: number,
): void {
  let watermark_at_most_ms = Number.NEGATIVE_INFINITY;
  for (const { partition, offset, value, headers } of records) {
    const heartbeat = headers[HEARTBEAT_HEADER];
    if (heartbeat !== undefined) {
      watermark_at_most_ms = Math.max(watermark_at_most_ms, Number(heartbeat));
      continue;
    }
    log.numbers.add(headers[NUMBER_HEADER]!);
    const kind = headers[KIND_HEADER] as DrillKind;
    const entered = { position: `${topic}/${partition}/${offset}`, watermark_at_most_ms };
    if (kind.startsWith('bad:')) {
      log.dead.push({ ...entered, source, code: kind.slice('bad:'.length) });
      continue;
    }
    const body = JSON.parse(value!.toString('utf8'));
    const at_ms = parseTimestamp(body.timestamp)!;
    watermark_at_most_ms = Math.max(watermark_at_most_ms, at_ms - disorder_ms);
    if (kind === 'too_late') log.late.push({ ...entered, source, code: 'late' });
    else if (source === 'predictions') log.predictions.push({ ...entered, at_ms, body });
    else log.feedback.push({ ...entered, at_ms, body });
  }
}
