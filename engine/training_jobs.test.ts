import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { ErrataError } from '../messages/errata_error.ts';
import type { Evaluation } from '../messages/evaluation.ts';
import type { TrainingJob } from '../messages/training_job.ts';
import { answered } from './training_jobs.ts';

const log = pino({ level: 'silent' });
const JOB: TrainingJob = {
  job_id: 'j1',
  alert_id: 'a1',
  topology: 't',
  deployment_id: 'd',
  champion: 'v',
  window_start: '2024-03-01T00:00:00.000Z',
  window_end: '2024-03-01T01:00:00.000Z',
  patterns: [],
  seed: 1,
};

/** Fails with each of `failures` in turn, then answers. */
function attempts(...failures: Error[]) {
  const left = [...failures];
  return async (): Promise<Evaluation> => {
    const failure = left.shift();
    if (failure) throw failure;
    return { job_id: 'j1', candidate: 'c' } as Evaluation;
  };
}

test('what says nothing about the job is tried again', async () => {
  const evaluation = await answered(JOB, attempts(new Error('thread died'), new Error('disk full')), log, 1);
  assert.equal(evaluation.candidate, 'c');
});

test('what is the same at each attempt is answered without a candidate', async () => {
  for (const code of ['E_ARTEFACT_CORRUPT', 'E_TRAINER_INVALID']) {
    const { job_id, candidate, failure } = await answered(JOB, attempts(new ErrataError(code, 'no')), log, 1);
    assert.deepEqual(
      { job_id, candidate, failure },
      { job_id: 'j1', candidate: null, failure: `${code}: no` },
    );
  }
});

test('a log of another version ends the task', async () => {
  const failure = new ErrataError('E_RECORD_FORMAT', 'd2');
  await assert.rejects(answered(JOB, attempts(failure), log, 1), { code: 'E_RECORD_FORMAT' });
});
