/** A training job reads the outcomes' topic; what somebody else put there must not stop it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { KAFKA_DEFAULTS } from '../../engine/kafka.ts';
import type { ResolvedPlan } from '../../engine/plan.ts';
import { DATA_HEADERS } from '../../engine/record_format.ts';
import { type TrainingParts, trainingJobs } from '../../engine/training_jobs.ts';
import { ErrataError } from '../../messages/errata_error.ts';
import { trainingConfig } from '../../training/config.ts';
import { scopeFor } from '../harness/both_brokers.ts';
import { embeddedBroker } from '../harness/embedded.ts';

test('records among the outcomes that cannot be read are told and passed over, and the job is answered', {
  timeout: 20_000,
}, async (t) => {
  const broker = await embeddedBroker(t);
  await t.test('body', async (inner) => {
    const scope = scopeFor(inner, broker.address);
    const topic = await scope.topic('outcomes');
    const producer = await scope.producer();
    const outcome = { prediction_id: 'p', time_ms: 1, prediction: { deployment_id: 'd' }, verdict: null };
    await producer.send({
      topic,
      messages: [
        { value: 'by somebody else' },
        { value: 'no JSON', headers: DATA_HEADERS },
        { value: 'null', headers: DATA_HEADERS },
        { value: JSON.stringify(outcome), headers: DATA_HEADERS },
      ],
    });
    const told: string[] = [];
    const log = pino({ level: 'error' }, { write: (line: string) => void told.push(line) });
    const registry = {
      answer: async () => null,
      recordAnswer: async () => undefined,
      base: async () => [],
      get: async () => {
        throw new ErrataError('E_ARTEFACT_MISSING', 'there is no champion in this test');
      },
    };
    const parts = {
      kafka: { ...KAFKA_DEFAULTS, brokers: [broker.address], client_id: 'test' },
      registry,
      pool: null,
      log,
    } as unknown as TrainingParts;
    const training = { outcomes_topic: topic, trainer: 'text_logistic', config: trainingConfig({}) };
    const run = trainingJobs(parts)({ training, partitions: { [topic]: 1 } } as unknown as ResolvedPlan);
    const evaluation = await run({
      job_id: 'j',
      alert_id: 'a',
      topology: 't',
      deployment_id: 'd',
      champion: 'v1',
      window_start: '2024-03-01T00:00:00.000Z',
      window_end: '2024-03-01T01:00:00.000Z',
      patterns: [],
      seed: 1,
    });
    assert.match(evaluation.failure!, /E_ARTEFACT_MISSING/);
    const passed_over = told.filter((line) => line.includes('no outcome'));
    assert.deepEqual(
      passed_over.map((line) => JSON.parse(line).offset),
      [0, 1, 2],
      told.join(''),
    );
  });
});
