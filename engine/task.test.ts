import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pino from 'pino';
import type { ErrataError } from '../messages/errata_error.ts';
import type { Evaluation } from '../messages/evaluation.ts';
import { HEARTBEAT_HEADER } from '../messages/heartbeat.ts';
import { kafkaError } from './kafka_errors.ts';
import type { LogReader, PartitionSink } from './log_reader.ts';
import type { LogRecord } from './partition_reader.ts';
import { type InputPlan, PLAN_VERSION, type ResolvedPlan, type StagePlan } from './plan.ts';
import { playedTask } from './played_task.ts';
import { DATA_HEADERS, FORMAT_HEADER } from './record_format.ts';
import { STATE_FORMAT } from './state.ts';
import type { TaskPorts } from './task.ts';
import { chunkOf, logRecord } from './testing.ts';
import { TransactionalCommitter } from './transactional_committer.ts';

function planOf(stage: StagePlan): ResolvedPlan {
  return {
    version: PLAN_VERSION,
    namespace: 'test',
    topology: 'task',
    group_id: 'test.task',
    workers: 1,
    commit_interval_ms: 20,
    guarantee: 'at_least_once',
    state: { store: 'memory' },
    watchdog_ms: 30_000,
    topics: [],
    stages: [stage],
    dead_letter_topic: 'dead',
    late_topic: 'late',
    partitions: { jobs: 1, evaluations: 1, predictions: 1, feedback: 1, dead: 1, late: 1 },
    training: {
      stage: 'training',
      outcomes_topic: 'outcomes',
      trainer: 'text_logistic',
      config: {},
      evaluations_topic: 'evaluations',
    },
  };
}

function source(topic: string): InputPlan {
  return {
    topic,
    actor: 'capture',
    input: 'records',
    codec: { type: 'source', source: topic, rekeyed: false, keyed: null },
    time: { type: 'event_time', disorder_ms: 0, idle_ms: null, clock: 'wall' },
  };
}

function played(stage: StagePlan, ports: Partial<TaskPorts> = {}) {
  return playedTask(planOf(stage), stage, ports);
}

function record(offset: number, value: object, headers: Record<string, string> = {}): LogRecord {
  return { offset, timestamp_ms: Date.now(), key: null, value: Buffer.from(JSON.stringify(value)), headers };
}

const prediction = { prediction_id: 'p', timestamp: Date.now(), model_version: 'v', deployment_id: 'd' };
const CAPTURE: StagePlan = {
  name: 'capture',
  kind: 'actors',
  inputs: [source('predictions'), source('feedback')],
  actors: [
    {
      name: 'capture',
      kind: 'capture',
      config: {
        join: { wait: '1h' },
        scoring: { neutral_rating: 3, label_equal: 1, label_differs: -1, signals: [], bad_below: 0 },
        max_ahead: '10m',
        max_record_bytes: 1_000_000,
        lateness: '1h',
        outcomes: false,
      },
      outputs: {},
    },
  ],
};

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert.ok(tries < 500, 'not within 5 s');
    await delay(10);
  }
}

test('a task that waits for its other input leaves the thread to others, and goes on when that has come', async (t) => {
  const { task, give, commits, failures, sinks } = played(CAPTURE);
  t.after(() => task.stop('drop'));
  const reached = () => Math.max(0, ...commits.flatMap(({ offsets }) => offsets.map(({ offset }) => offset)));
  task.start();
  await until(() => sinks.has('feedback'));
  const predictions = Array.from({ length: 1_000 }, (_, offset) =>
    record(offset, { ...prediction, prediction_id: `p${offset}` }),
  );
  give('predictions', predictions, 1_000);
  // A turn's worth is processed before anything is known of the other input; a task that spun would never commit it.
  await until(() => reached() > 0);
  await delay(50);
  assert.ok(reached() < 1_000, 'the other input was not waited for');
  give('feedback', [], 0);
  await until(() => reached() === 1_000);
  assert.deepEqual(failures, []);
});

const STATEFUL: StagePlan = { ...CAPTURE, changelog: 'changes' };
const INVALID_PRODUCER_EPOCH = 47;

/** Kafka as a task meets it: what it is asked (`?`), and what it has answered a moment later (`!`), in that order. */
class MetKafka {
  readonly story: string[] = [];
  readonly sinks = new Map<string, PartitionSink>();
  /** Committed for each input. */
  offset = 4;
  /** What the records of the changelog say that was taken in. */
  taken_in = [1, 4];
  is_fencing = false;
  /** After each record of the changelog. */
  onRestored: () => void = () => undefined;

  readonly ports: Partial<TaskPorts>;

  constructor() {
    const committedOffsets: TaskPorts['committedOffsets'] = (inputs) =>
      this.#answer('committed offsets', () => inputs.map(() => this.offset));
    const createProducer = (id: string) => ({
      open: () => this.#answer(`initialise ${id}`, () => undefined),
      transact: async () => {
        if (this.is_fencing) throw kafkaError(INVALID_PRODUCER_EPOCH, id);
      },
      close: async () => undefined,
    });
    const committer = new TransactionalCommitter(
      { namespace: 'test', topology: 'task' },
      { createProducer, committedOffsets },
      pino({ level: 'silent' }),
    );
    const reader = {
      add: (topic: string, _partition: number, position: number, sink: PartitionSink) => {
        this.story.push(`${topic} from ${position}?`);
        if (topic === STATEFUL.changelog) void this.#restore(sink);
        else this.sinks.set(topic, sink);
      },
      remove: () => undefined,
      wake: () => undefined,
    } as unknown as LogReader;
    this.ports = { committedOffsets, committer, reader };
  }

  async #answer<Answer>(what: string, answer: () => Answer): Promise<Answer> {
    this.story.push(`${what}?`);
    await delay(5);
    this.story.push(`${what}!`);
    return answer();
  }

  /** A record per answer. */
  async #restore(sink: PartitionSink): Promise<void> {
    for (const [offset, taken_in] of this.taken_in.entries()) {
      await delay(5);
      this.story.push(`changes up to ${offset + 1}!`);
      const headers = { [FORMAT_HEADER]: STATE_FORMAT };
      const value = Buffer.from(JSON.stringify({ taken_in }));
      const record = logRecord(offset, { key: Buffer.from('$ledger/predictions'), value, headers });
      sink.onChunk(chunkOf([record]), this.taken_in.length);
      this.onRestored();
    }
  }
}

const READS = /^feedback from/;
const BEGINNING = [
  'initialise test.task.capture.0?',
  'initialise test.task.capture.0!',
  'committed offsets?',
  'committed offsets!',
  'changes from 0?',
  'changes up to 1!',
  'changes up to 2!',
];

test('a task fences whoever had it before it asks where it was left, then restores, then reads on; fenced, it does so anew', async (t) => {
  const kafka = new MetKafka();
  const first = played(STATEFUL, kafka.ports);
  t.after(() => first.task.stop('drop'));
  first.task.start();
  await until(() => kafka.story.some((line) => READS.test(line)));
  assert.deepEqual(kafka.story.splice(0), [...BEGINNING, 'predictions from 4?', 'feedback from 4?']);
  assert.deepEqual(first.task.status().ledger, { predictions: { taken_in: 4 } });

  kafka.is_fencing = true;
  kafka.sinks.get('feedback')!.onChunk(chunkOf([], 4), 4);
  kafka.sinks.get('predictions')!.onChunk(chunkOf([record(4, prediction)]), 5);
  await until(() => first.failures.length > 0);
  assert.equal((first.failures[0] as ErrataError).code, 'E_TASK_FENCED');
  await first.task.stop('drop');

  // Whoever has fenced it went on, and is gone.
  kafka.is_fencing = false;
  kafka.offset = 9;
  kafka.taken_in.push(9);
  const again = played(STATEFUL, kafka.ports);
  t.after(() => again.task.stop('drop'));
  again.task.start();
  await until(() => kafka.story.some((line) => READS.test(line)));
  assert.deepEqual(kafka.story, [
    ...BEGINNING,
    'changes up to 3!',
    'predictions from 9?',
    'feedback from 9?',
  ]);
  assert.deepEqual(again.task.status().ledger, { predictions: { taken_in: 9 } });
});

test('a task says how far its state is restored, and runs only then', async (t) => {
  const kafka = new MetKafka();
  kafka.taken_in = [1, 2, 3];
  const { task } = played(STATEFUL, kafka.ports);
  t.after(() => task.stop('drop'));
  const told: string[] = [];
  kafka.onRestored = () => {
    const { phase, restore } = task.status();
    told.push(`${phase} ${restore?.next_offset} of ${restore?.end_offset}`);
  };
  assert.equal(task.status().restore, null);
  task.start();
  await until(() => task.status().phase === 'running');
  assert.deepEqual(told, ['restoring 1 of 3', 'restoring 2 of 3', 'restoring 3 of 3']);
  assert.equal(task.status().restore?.records, 3, 'and how it was remains');
});

const TRAINING: StagePlan = {
  name: 'training',
  kind: 'training',
  inputs: [
    { topic: 'jobs', actor: 'training', input: 'jobs', codec: { type: 'internal' }, time: { type: 'none' } },
  ],
  actors: [],
};
const JOB = {
  job_id: 'j1',
  alert_id: 'a1',
  topology: 'task',
  deployment_id: 'd',
  champion: 'v',
  window_start: '2024-03-01T00:00:00.000Z',
  window_end: '2024-03-01T01:00:00.000Z',
  patterns: [],
  seed: 1,
};

test('a task stops in the middle of a training, whose job is left to whoever comes next', async (t) => {
  const asked: unknown[] = [];
  const { task, give, commits, failures, sinks } = played(TRAINING, {
    runJob: (job) => {
      asked.push(job);
      return new Promise(() => undefined);
    },
  });
  t.after(() => task.stop('drop'));
  task.start();
  await until(() => sinks.has('jobs'));
  give('jobs', [record(0, JOB, DATA_HEADERS)], 1);
  await until(() => asked.length === 1);
  await task.stop('commit');
  assert.deepEqual(commits, []);
  assert.deepEqual(failures, []);
});

test('what is no job is dead-lettered with its position, and the next job is run', async (t) => {
  const { task, give, commits, failures, sinks } = played(TRAINING, {
    runJob: async (job) => {
      const { job_id, deployment_id } = job;
      return { job_id, deployment_id, candidate: null } as Evaluation;
    },
  });
  t.after(() => task.stop('drop'));
  task.start();
  await until(() => sinks.has('jobs'));
  const foreign = record(0, JOB);
  const no_job = record(1, { deployment_id: 'd' }, DATA_HEADERS);
  give('jobs', [foreign, no_job, record(2, JOB, DATA_HEADERS)], 3);
  const outputs = () => commits.flatMap((commit) => commit.outputs);
  await until(() => outputs().length >= 3);
  assert.deepEqual(
    outputs().map(({ topic, headers }) => [topic, headers['errata.position'], headers['errata.code']]),
    [
      ['dead', 'jobs/0/0', 'E_RECORD_FOREIGN'],
      ['dead', 'jobs/0/1', 'E_RECORD_FOREIGN'],
      ['evaluations', undefined, undefined],
    ],
  );
  assert.deepEqual(failures, []);
});

test('a record of another version of errata fails the task', async (t) => {
  const { task, give, failures, sinks } = played(TRAINING);
  t.after(() => task.stop('drop'));
  task.start();
  await until(() => sinks.has('jobs'));
  give('jobs', [record(0, JOB, { errata: 'd1' })], 1);
  await until(() => failures.length === 1);
  assert.equal((failures[0] as ErrataError).code, 'E_RECORD_FORMAT');
});

test('records that the log lost are taken in and expired', async (t) => {
  const { task, commits, sinks } = played(CAPTURE);
  t.after(() => task.stop('drop'));
  task.start();
  await until(() => sinks.has('feedback'));
  sinks.get('predictions')!.onOutOfRange(3, 10);
  assert.deepEqual(task.status().ledger.predictions, { taken_in: 7, expired: 7 });
  await until(() => commits.some(({ changelog }) => changelog.changes.length > 0));
});

test('a log that ends before what was processed fails the task: neither lost nor repeated records can be told', async (t) => {
  const { task, failures, commits, sinks } = played(CAPTURE);
  t.after(() => task.stop('drop'));
  task.start();
  await until(() => sinks.has('feedback'));
  sinks.get('predictions')!.onOutOfRange(100, 0);
  assert.equal((failures[0] as ErrataError).code, 'E_LOG_TRUNCATED');
  assert.match(failures[0]!.message, /predictions\/0 up to offset 100/);
  assert.deepEqual(task.status().ledger, {});
  assert.deepEqual(
    commits.flatMap(({ offsets }) => offsets),
    [],
  );
});

test('a heartbeat moves event time and is no record; one from 2099 or with a value is a record like any other', async (t) => {
  const { task, give, commits, sinks } = played(CAPTURE);
  t.after(() => task.stop('drop'));
  const now_ms = Date.now();
  const heartbeat = (offset: number, time_ms: number, value: Buffer | null): LogRecord => ({
    offset,
    timestamp_ms: now_ms,
    key: null,
    value,
    headers: { [HEARTBEAT_HEADER]: String(time_ms) },
  });
  const reached = () => task.status().inputs.find(({ topic }) => topic === 'predictions')!;
  task.start();
  await until(() => sinks.has('feedback'));
  give('feedback', [], 0);
  give('predictions', [heartbeat(0, now_ms, null)], 1);
  await until(() => reached().position === 1);
  assert.equal(reached().watermark_ms, now_ms);
  assert.deepEqual(task.status().ledger, {});

  give('predictions', [heartbeat(1, Date.UTC(2099, 0), null), heartbeat(2, now_ms, Buffer.from('x'))], 3);
  await until(() => reached().position === 3 && commits.some(({ outputs }) => outputs.length > 0));
  assert.equal(reached().watermark_ms, now_ms);
  assert.deepEqual(task.status().ledger, { predictions: { taken_in: 2, dead_lettered: 2 } });
});
