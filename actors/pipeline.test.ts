/**
 * From records to alerts, all actors together in memory, against a direct implementation of the published rule.
 * Records come in random order, spread over capture tasks, with commits and watermarks at random moments.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Alert, Assessment } from '../messages/assessment.ts';
import type { Feedback } from '../messages/feedback.ts';
import type { Outcome } from '../messages/outcome.ts';
import type { Prediction } from '../messages/prediction.ts';
import { capture } from './capture.ts';
import { byPublishedRule, type PublishedWindow } from './published_rule.ts';
import { severity } from './severity.ts';
import { type Emission, sourceRecord, TestTask } from './testing.ts';
import { window } from './window.ts';
import { windowPartial } from './window_partial.ts';

const NOON = Date.UTC(2024, 0, 1, 12);
const MINUTE = 60_000;
const WAIT_MS = 8 * MINUTE;

interface Story {
  predictions: Prediction[];
  feedback: Feedback[];
  broken: string[];
}

const SOURCES = ['predictions', 'feedback', 'broken'] as const;
type Source = (typeof SOURCES)[number];
interface Arrival {
  source: Source;
  value: object | Buffer;
}

const minute = fc.integer({ min: 0, max: 14 }).map((minutes) => NOON + minutes * MINUTE);
const inputStats = fc.record({ mean: fc.constantFrom(-0.4, 0.2, 1.7, -1.2), std: fc.constantFrom(0, 1.1) });
const predictionId = fc.integer({ min: 0, max: 7 }).map((number) => `p${number}`);

const prediction: fc.Arbitrary<Prediction> = fc.record(
  {
    prediction_id: predictionId,
    timestamp: minute,
    deployment_id: fc.constantFrom('spam', 'fraud'),
    model_version: fc.constantFrom('v1', 'v2'),
    input_stats: inputStats,
    output: fc.constantFrom('yes', 'no'),
  },
  { requiredKeys: ['prediction_id', 'timestamp', 'deployment_id', 'model_version'] },
);

const feedback: fc.Arbitrary<Feedback> = fc.record(
  {
    prediction_id: predictionId,
    timestamp: minute,
    feedback_type: fc.constantFrom('explicit', 'implicit'),
    rating: fc.constantFrom(1, 2, 2.99, 3, 4, 5, null),
    time_to_action: fc.constantFrom(0, 29.99, 30, 30.01, 300, null),
    label: fc.constantFrom('yes', 'no'),
    deployment_id: fc.constantFrom('spam', 'fraud'),
    model_version: fc.constant('v1'),
    input_stats: inputStats,
  },
  { requiredKeys: ['prediction_id', 'timestamp', 'feedback_type'] },
);

const story: fc.Arbitrary<Story> = fc.record({
  predictions: fc.uniqueArray(prediction, { maxLength: 8, selector: ({ prediction_id }) => prediction_id }),
  feedback: fc.array(feedback, { maxLength: 60 }),
  broken: fc.array(fc.constantFrom('', '{', '[]', '{"rating":9}'), { maxLength: 3 }),
});

/** Ten or twenty opinions in one window, so that rates and shares lie at the published limits and beside them. */
const crowd: fc.Arbitrary<Story> = fc.constantFrom(1, 2).chain((tens) =>
  fc
    .record({
      bad: fc.integer({ min: 3 * tens - 1, max: 3 * tens + 1 }),
      means: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 10 * tens, maxLength: 10 * tens }),
    })
    .map(({ bad, means }) => ({
      predictions: [],
      broken: [],
      feedback: means.map((mean, index) => ({
        prediction_id: `p${index % 8}`,
        timestamp: NOON,
        feedback_type: 'explicit' as const,
        rating: index < bad ? 2 : 3,
        deployment_id: 'spam',
        model_version: 'v1',
        input_stats: { mean, std: 0 },
      })),
    })),
);

/** How a story arrives: its order, repetitions, and what happens between two records. */
interface Telling {
  order: number[];
  repeats: boolean[];
  pauses: ('none' | 'commit' | 'watermark')[];
  tasks: number;
}

const telling: fc.Arbitrary<Telling> = fc.record({
  order: fc.array(fc.nat(), { minLength: 140, maxLength: 140 }),
  repeats: fc.array(fc.boolean(), { minLength: 140, maxLength: 140 }),
  pauses: fc.array(fc.constantFrom('none', 'none', 'commit', 'watermark'), {
    minLength: 120,
    maxLength: 120,
  }),
  tasks: fc.integer({ min: 1, max: 3 }),
});

/** Every feedback has an event id, so that repetitions can be told from a second opinion. */
function arrivalsOf(told: Story, { order, repeats }: Telling): Arrival[] {
  const all: Arrival[] = [
    ...told.predictions.map((value): Arrival => ({ source: 'predictions', value })),
    ...told.feedback.map(
      (value, index): Arrival => ({ source: 'feedback', value: { ...value, event_id: `e${index}` } }),
    ),
    ...told.broken.map((text): Arrival => ({ source: 'broken', value: Buffer.from(text) })),
  ];
  const repeated = all.flatMap((arrival, index) => (repeats[index] ? [arrival, arrival] : [arrival]));
  return repeated
    .map((arrival, index) => ({ arrival, rank: order[index % order.length]! }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ arrival }) => arrival);
}

const windowConfig = { tumbling: '5m', lateness: '24h' };

function captureTask(): TestTask {
  return new TestTask([
    {
      name: 'capture',
      kind: capture,
      config: { join: { wait: '8m' }, outcomes: true },
      to: { events: { actor: 'stats', input: 'events' } },
    },
    { name: 'stats', kind: windowPartial, config: windowConfig },
  ]);
}

function windowTask(): TestTask {
  return new TestTask([
    {
      name: 'stats',
      kind: window,
      config: windowConfig,
      to: { windows: { actor: 'severity', input: 'windows' } },
    },
    { name: 'severity', kind: severity },
  ]);
}

class Pipeline {
  readonly captures: TestTask[];
  readonly windows = windowTask();
  readonly #emissions: Emission[] = [];

  constructor(tasks: number) {
    this.captures = Array.from({ length: tasks }, captureTask);
  }

  take({ source, value }: Arrival): void {
    const { prediction_id = 'p0' } = value as { prediction_id?: string };
    const task = this.captures[Number(prediction_id.slice(1)) % this.captures.length]!;
    task.send('capture', 'records', sourceRecord(value, { source }));
  }

  commit(): void {
    for (const emission of this.captures.flatMap((task) => task.commit())) {
      if (emission.output === 'deltas') this.windows.send('stats', 'deltas', emission.value);
      else this.#emissions.push(emission);
    }
    this.#emissions.push(...this.windows.commit());
  }

  advance(watermark_ms: number): void {
    for (const task of this.captures) task.advance(watermark_ms);
    this.commit();
    this.windows.advance(watermark_ms);
  }

  /** The last message of an output about each thing. */
  last<Message>(output: string, idOf: (message: Message) => string): Map<string, Message> {
    const messages = this.#emissions.filter((emission) => emission.output === output);
    return new Map(messages.map(({ value }) => [idOf(value as Message), value as Message]));
  }

  ledger(account: string): Record<string, number> {
    const sum: Record<string, number> = {};
    for (const { ledger } of [...this.captures, this.windows]) {
      for (const [disposition, count] of Object.entries(ledger[account] ?? {})) {
        sum[disposition] = (sum[disposition] ?? 0) + count;
      }
    }
    return sum;
  }
}

function total(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function tell(told: Story, how: Telling): Pipeline {
  const pipeline = new Pipeline(how.tasks);
  const taken: Record<Source, number> = { predictions: 0, feedback: 0, broken: 0 };
  let watermark_ms = NOON;
  for (const [index, arrival] of arrivalsOf(told, how).entries()) {
    pipeline.take(arrival);
    taken[arrival.source]++;
    const pause = how.pauses[index % how.pauses.length];
    if (pause === 'commit') pipeline.commit();
    if (pause === 'watermark') {
      watermark_ms += MINUTE;
      pipeline.advance(watermark_ms);
    }
    for (const source of SOURCES) assert.equal(total(pipeline.ledger(source)), taken[source]);
  }
  pipeline.advance(NOON + 100 * 60 * MINUTE);
  pipeline.commit();
  return pipeline;
}

function windowOf({ window_start, deployment_id, model_version }: Assessment | Alert): string {
  return `${window_start}|${deployment_id}|${model_version}`;
}

function published(message: Assessment | Alert): PublishedWindow {
  const { total_events, error_rate, patterns, severity, recommended_action } = message;
  const fires = 'fires' in message ? message.fires : message.kind !== 'resolve';
  return { total_events, error_rate, patterns, severity, recommended_action, fires };
}

/** What is said in the end: windows that were emptied are as good as never there, alerts resolved likewise. */
function saidOf(pipeline: Pipeline) {
  const assessments = [...pipeline.last<Assessment>('assessments', windowOf)];
  const alerts = [...pipeline.last<Alert>('alerts', windowOf)];
  return {
    windows: new Map(
      assessments.filter(([, said]) => said.total_events > 0).map(([key, said]) => [key, published(said)]),
    ),
    alerts: new Map(
      alerts.filter(([, said]) => said.kind !== 'resolve').map(([key, said]) => [key, published(said)]),
    ),
  };
}

function assertSameEntries(found: Map<string, unknown>, expected: Map<string, unknown>): void {
  assert.deepEqual(new Map([...found].sort()), new Map([...expected].sort()));
}

describe('from records to alerts', () => {
  it('says of every window in the end what the published rule says of its events', () => {
    fc.assert(
      fc.property(fc.oneof(story, crowd), telling, (told, how) => {
        const expected = byPublishedRule(told.predictions, told.feedback, {
          size_ms: 5 * MINUTE,
          wait_ms: WAIT_MS,
        });
        const { windows, alerts } = saidOf(tell(told, how));
        assertSameEntries(windows, expected);
        assertSameEntries(alerts, new Map([...expected].filter(([, { fires }]) => fires)));
      }),
      { numRuns: 400 },
    );
  });

  it('accounts for every record, at every moment and in the end', () => {
    fc.assert(
      fc.property(story, telling, (told, how) => {
        const pipeline = tell(told, how);
        const repeats = arrivalsOf(told, how).filter(({ source }) => source !== 'broken').length;
        const unique = told.predictions.length + told.feedback.length;
        const good = [pipeline.ledger('predictions'), pipeline.ledger('feedback')];
        assert.deepEqual(
          good.map(({ pending = 0 }) => pending),
          [0, 0],
        );
        const duplicates = good.reduce((sum, { duplicate = 0 }) => sum + duplicate, 0);
        assert.equal(duplicates, repeats - unique);
        assert.equal(pipeline.ledger('stats').windowed ?? 0, told.feedback.length);
        assert.equal(pipeline.ledger('broken').dead_lettered ?? 0, total(pipeline.ledger('broken')));
        for (const task of [...pipeline.captures]) assert.deepEqual(task.stateKeys('capture'), []);
        assert.deepEqual(pipeline.windows.stateKeys('stats'), []);
        assert.deepEqual(pipeline.windows.stateKeys('severity'), []);
      }),
    );
  });

  it('comes to the same outcomes and windows in whatever order the records came', () => {
    fc.assert(
      fc.property(story, telling, telling, (told, how, other) => {
        const [one, two] = [tell(told, how), tell(told, other)];
        assertSameEntries(saidOf(one).windows, saidOf(two).windows);
        assertSameEntries(verdictsOf(one), verdictsOf(two));
        assert.equal(verdictsOf(one).size, told.predictions.length);
      }),
      { numRuns: 200 },
    );
  });
});

function verdictsOf(pipeline: Pipeline): Map<string, unknown> {
  const outcomes = pipeline.last<Outcome>('outcomes', ({ prediction_id }) => prediction_id);
  return new Map([...outcomes].map(([id, { verdict, time_ms }]) => [id, { verdict, time_ms }]));
}
