/** Whatever went through becomes a prediction that errata takes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { decode } from '../messages/decode.ts';
import type { CapturedBody, Exchange } from './exchange.ts';
import { exchangeMessage } from './exchange_message.ts';
import { inferenceRoute } from './inference_route.ts';

const NAMING = { deployment_id: undefined, model_version: 'unknown' };

function body(text: string | Buffer, headers = {}): CapturedBody {
  const bytes = new Uint8Array(Buffer.from(text));
  return { headers, size_bytes: bytes.length, bytes };
}

function exchange(path: string, request: CapturedBody, response: CapturedBody): Exchange {
  return {
    route: inferenceRoute('POST', path)!,
    prediction_id: 'p1',
    time_ms: 1_700_000_000_000,
    latency_ms: 12.5,
    ending: 'completed',
    status: 200,
    request,
    response,
    in_flight: 3,
  };
}

function record(given: Exchange, naming: Parameters<typeof exchangeMessage>[1] = NAMING) {
  const { key, value } = exchangeMessage(given, naming);
  assert.equal(key, given.prediction_id);
  assert.equal(decode(value).kind, 'prediction');
  return JSON.parse(value.toString());
}

test('the complete context of an inference', () => {
  const request = body('{"signature_name":"s","instances":[[1,3]]}');
  const { server_load, ...rest } = record(
    exchange('/v1/models/spam:predict', request, body('{"predictions":[0.9]}')),
  );
  assert(server_load >= 0);
  assert.deepEqual(rest, {
    prediction_id: 'p1',
    timestamp: 1_700_000_000_000,
    deployment_id: 'spam',
    model_version: 'unknown',
    input_shape: [1, 2],
    input_stats: { mean: 2, std: 1, min: 1, max: 3 },
    input: { signature_name: 's', instances: [[1, 3]] },
    output: { predictions: [0.9] },
    model_params: { signature_name: 's' },
    latency_ms: 12.5,
    attributes: {
      hour_of_day: 22,
      protocol: 'tf_serving',
      verb: 'predict',
      model: 'spam',
      status: 200,
      ending: 'completed',
      request_bytes: request.size_bytes,
      response_bytes: 21,
      in_flight: 3,
    },
  });
});

test('the version is what the response says, else the path, else what is configured', () => {
  const version = (path: string, response: string) =>
    record(exchange(path, body('{}'), body(response)), { deployment_id: 'd', model_version: 'v0' })
      .model_version;
  assert.equal(version('/v2/models/m/versions/2/infer', '{"model_version":"3"}'), '3');
  assert.equal(version('/v2/models/m/versions/2/infer', '{}'), '2');
  assert.equal(version('/v1/models/m/labels/canary:classify', '{}'), 'canary');
  assert.equal(version('/v1/models/m:regress', '{}'), 'v0');
});

test('compressed bodies and the JSON part of binary ones are read', () => {
  const zipped = body(gzipSync('{"instances":[[1,3]]}'), { 'content-encoding': 'gzip' });
  const json = '{"model_version":"3"}';
  const binary = body(Buffer.concat([Buffer.from(json), Buffer.from([0xff, 0, 1])]), {
    'inference-header-content-length': String(json.length),
  });
  const { input_stats, output } = record(exchange('/v1/models/m:predict', zipped, binary));
  assert.equal(input_stats.mean, 2);
  assert.deepEqual(output, { model_version: '3' });
});

test('what cannot be read is left out, and said to be', () => {
  const bomb = body(gzipSync(Buffer.alloc(64 * 1024 * 1024)), { 'content-encoding': 'gzip' });
  const { input, output, attributes } = record(exchange('/v1/models/m:predict', bomb, body('<html>')));
  assert.deepEqual([input, output, attributes.left_out], [undefined, undefined, ['input', 'output']]);
  const large = { headers: {}, size_bytes: 5e6, bytes: undefined };
  const dropped = record(exchange('/v1/models/m:predict', large, large));
  assert.deepEqual(dropped.attributes.left_out, ['input', 'output']);
});

test('every exchange becomes a valid prediction', () => {
  const bodies = fc.oneof(fc.json(), fc.string()).map((text) => body(text));
  const names = fc.stringMatching(/^[^/:?\r\n ]{1,300}$/);
  fc.assert(
    fc.property(bodies, bodies, names, fc.boolean(), (request, response, name, is_kserve) => {
      const path = is_kserve ? `/v2/models/${name}/infer` : `/v1/models/${name}:predict`;
      record(exchange(path, request, response));
    }),
  );
});
