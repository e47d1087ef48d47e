/**
 * Event time of one task: its watermark, which input is to be read next, and what is to be told downstream.
 *
 * Idleness of a source is not acted on where it is noticed: it is written downstream as a watermark record, and a
 * task acts on what it reads there. So a replay from that log sees the same decisions. Only a task that keeps windows
 * itself over a source has nowhere to write it, and acts at once.
 */
import type { State } from '../actors/actor.ts';
import { ACTOR_KINDS } from '../actors/catalogue.ts';
import { type TaskId, taskId } from './assignment.ts';
import type { OutputRecord } from './effects.ts';
import type { InputPlan, ResolvedPlan, StagePlan } from './plan.ts';
import { writeWatermark } from './record_format.ts';
import type { TaskInput } from './task_input.ts';
import {
  EventTimeInput,
  type InputTime,
  least,
  UNKNOWN_TIME,
  UpstreamInput,
  type WatermarkRecord,
} from './watermarks.ts';

export type TimeStep =
  | { type: 'none' }
  | { type: 'advanced'; watermark_ms: number }
  /** With `clock: event`: everything upstream has been read to its end. */
  | { type: 'all_read' };

const NONE: TimeStep = { type: 'none' };

export class TaskTime {
  watermark_ms: number;
  readonly #plan: ResolvedPlan;
  readonly #task: TaskId;
  readonly #state: State;
  /** Topics that are told, with their partition counts. */
  readonly #downstream: { topic: string; partitions: number }[];
  readonly #keeps_windows: boolean;
  #inputs: TaskInput[] = [];
  #all_read = false;
  #last_told = '';

  constructor(plan: ResolvedPlan, stage: StagePlan, partition: number, state: State) {
    this.#plan = plan;
    this.#task = taskId(stage.name, partition);
    this.#state = state;
    this.#keeps_windows = stage.actors.some(({ kind }) => ACTOR_KINDS.get(kind)?.local_half !== undefined);
    this.watermark_ms = state.get<number>('watermark') ?? Number.NEGATIVE_INFINITY;
    this.#downstream = watermarkTopics(stage).map((topic) => ({
      topic,
      partitions: plan.partitions[topic]!,
    }));
  }

  clockOf({ topic, time }: InputPlan): TaskInput['clock'] {
    switch (time.type) {
      case 'none':
        return null;
      case 'event_time':
        return new EventTimeInput(time.disorder_ms, this.#state.get<number>(`source/${topic}`) ?? null);
      case 'watermark_records': {
        const upstream = time.upstream.flatMap(({ stage, partitions_of }) =>
          Array.from({ length: this.#plan.partitions[partitions_of]! }, (_, index) => taskId(stage, index)),
        );
        const restored = [...this.#state.entries<WatermarkRecord>(`upstream/${topic}/`)];
        return new UpstreamInput(
          upstream,
          restored.map(([, record]) => record),
        );
      }
    }
  }

  bind(inputs: TaskInput[]): void {
    this.#inputs = inputs;
  }

  accept(input: TaskInput, record: WatermarkRecord): void {
    if (!(input.clock instanceof UpstreamInput)) return;
    const counted = input.clock.accept(record);
    this.#state.set(`upstream/${input.plan.topic}/${record.task}`, counted);
  }

  /** Looks for inputs that have become idle; true if one has. */
  tick(now_ms: number): boolean {
    let changed = false;
    for (const input of this.#inputs) changed = input.checkIdle(now_ms) || changed;
    return changed;
  }

  /** The input that is furthest behind; undefined where that one has to be waited for. */
  nextInput(): TaskInput | undefined {
    let next: TaskInput | undefined;
    let next_ms = Number.POSITIVE_INFINITY;
    for (const input of this.#inputs) {
      if (input.paused) continue;
      const time = input.time;
      if (time === null) {
        if (input.has_next) return input;
        continue;
      }
      if (!input.has_next && input.at_end) continue;
      const value_ms = behind(time);
      if (next === undefined || value_ms < next_ms) {
        next = input;
        next_ms = value_ms;
      }
    }
    return next?.has_next ? next : undefined;
  }

  /** As far as the others let the watermark go while this input is read; infinity where none holds it. */
  heldByOthers(input: TaskInput): number {
    let held_ms = Number.POSITIVE_INFINITY;
    for (const { time } of this.#inputs.filter((one) => one !== input)) {
      if (time?.type === 'unknown') return Number.NEGATIVE_INFINITY;
      if (time?.type === 'live') held_ms = Math.min(held_ms, time.value_ms);
    }
    return held_ms;
  }

  step(): TimeStep {
    const time = this.#combined();
    const all_read = this.#acts && time.type === 'idle' && time.until_ms === null;
    const entered = all_read && !this.#all_read;
    this.#all_read = all_read;
    if (entered) return { type: 'all_read' };
    const reached_ms = this.#reached(time);
    if (!(reached_ms > this.watermark_ms)) return NONE;
    this.watermark_ms = reached_ms;
    return { type: 'advanced', watermark_ms: reached_ms };
  }

  get has_news(): boolean {
    return this.#downstream.length > 0 && JSON.stringify(this.#news()) !== this.#last_told;
  }

  /** Watermark records for every partition downstream, and the state that a restart needs. */
  takeNews(): OutputRecord[] {
    this.#save();
    const news = this.#news();
    const told = JSON.stringify(news);
    if (told === this.#last_told) return [];
    this.#last_told = told;
    const written = writeWatermark(news);
    return this.#downstream.flatMap(({ topic, partitions }) =>
      Array.from({ length: partitions }, (_, partition) => ({ topic, partition, ...written })),
    );
  }

  #news(): WatermarkRecord {
    const value_ms = Number.isFinite(this.watermark_ms) ? this.watermark_ms : null;
    const time = this.#combined();
    if (time.type === 'idle' && (!this.#acts || time.until_ms === null)) {
      return { task: this.#task, value_ms, state: { type: 'idle', until_ms: time.until_ms } };
    }
    return { task: this.#task, value_ms, state: { type: 'live' } };
  }

  #save(): void {
    const set = (key: string, value: number | null) => {
      if (value !== null && Number.isFinite(value) && this.#state.get(key) !== value)
        this.#state.set(key, value);
    };
    set('watermark', this.watermark_ms);
    for (const { clock, plan } of this.#inputs)
      if (clock instanceof EventTimeInput) set(`source/${plan.topic}`, clock.value_ms);
  }

  #combined(): InputTime {
    let combined: InputTime | undefined;
    for (const { time } of this.#inputs)
      if (time !== null) combined = combined === undefined ? time : least(combined, time);
    return combined ?? UNKNOWN_TIME;
  }

  /** What is idle was read from the log, and was not noticed here, or there is no other task to tell. */
  get #acts(): boolean {
    return this.#keeps_windows || this.#inputs.every(({ clock }) => !(clock instanceof EventTimeInput));
  }

  #reached(time: InputTime): number {
    switch (time.type) {
      case 'unknown':
        return Number.NEGATIVE_INFINITY;
      case 'live':
        return time.value_ms;
      case 'idle':
        return (this.#acts ? time.until_ms : null) ?? Number.NEGATIVE_INFINITY;
    }
  }
}

function behind(time: InputTime): number {
  return time.type === 'unknown' ? Number.NEGATIVE_INFINITY : (time.value_ms ?? Number.NEGATIVE_INFINITY);
}

function watermarkTopics(stage: StagePlan): string[] {
  const targets = stage.actors.flatMap(({ outputs }) => Object.values(outputs).flat());
  const topics = targets.flatMap((target) =>
    target.to === 'topic' && target.watermarks ? [target.topic] : [],
  );
  return [...new Set(topics)];
}
