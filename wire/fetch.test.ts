import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { ErrataError } from '../messages/errata_error.ts';
import {
  decodeFetchResponse,
  encodeFetchRequest,
  type FetchResponse,
  fetchRequest,
  fetchResponse,
} from './fetch.ts';
import { Reader, Writer } from './primitives.ts';
import { encodeBatch } from './record_batch.ts';

const require = createRequire(import.meta.url);

const response: FetchResponse = {
  throttle_ms: 3,
  error_code: 0,
  session_id: 0,
  topics: [
    {
      topic: 'mail.alerts',
      partitions: [
        {
          partition: 2,
          error_code: 0,
          high_watermark: 2 ** 41,
          last_stable_offset: 2 ** 41 - 1,
          log_start_offset: 7,
          aborted_transactions: [{ producer_id: 9, first_offset: 12 }],
          preferred_read_replica: -1,
          records: encodeBatch([{ key: null, value: Buffer.from('x'), timestamp_ms: 1 }]),
        },
        {
          partition: 3,
          error_code: 1,
          high_watermark: -1,
          last_stable_offset: -1,
          log_start_offset: -1,
          aborted_transactions: null,
          preferred_read_replica: -1,
          records: null,
        },
      ],
    },
  ],
};

function encoded(): Buffer {
  const writer = new Writer();
  fetchResponse.write(writer, response, 11, false);
  return writer.toBuffer();
}

test('a fetch response is read back', () => {
  assert.deepEqual(decodeFetchResponse(encoded()), response);
});

test('a fetch response cut off anywhere throws an ErrataError', () => {
  const body = encoded();
  for (let length = 0; length < body.length; length++) {
    assert.throws(() => decodeFetchResponse(body.subarray(0, length)), ErrataError);
  }
});

test('random bytes are refused or read, without a crash', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (array) => {
      try {
        decodeFetchResponse(Buffer.from(array));
      } catch (thrown) {
        assert.ok(thrown instanceof ErrataError, String(thrown));
      }
    }),
    { numRuns: 500 },
  );
});

test('the request is byte for byte what kafkajs sends', async () => {
  const partition = { partition: 2, fetch_offset: 17, partition_max_bytes: 5000 };
  const ours = encodeFetchRequest({
    max_wait_ms: 100,
    min_bytes: 1,
    max_bytes: 10_000,
    isolation: 'read_committed',
    topics: [{ topic: 't', partitions: [partition] }],
  });
  const request = require('kafkajs/src/protocol/requests/fetch/v11/request.js') as (options: object) => {
    encode(): Promise<{ buffer: Buffer }>;
  };
  const theirs = request({
    replicaId: -1,
    maxWaitTime: 100,
    minBytes: 1,
    maxBytes: 10_000,
    isolationLevel: 1,
    topics: [
      {
        topic: 't',
        partitions: [
          { partition: 2, fetchOffset: 17, maxBytes: 5000, currentLeaderEpoch: -1, logStartOffset: -1 },
        ],
      },
    ],
    rackId: '',
  });
  assert.deepEqual(ours.toString('hex'), (await theirs.encode()).buffer.toString('hex'));
  assert.equal(fetchRequest.read(new Reader(ours), 11, false).topics[0]!.partitions[0]!.fetch_offset, 17);
});
