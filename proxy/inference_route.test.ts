/** Which requests are inferences. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inferenceRoute } from './inference_route.ts';

test('inferences of both protocols', () => {
  const routes: [string, ...unknown[]][] = [
    ['/v1/models/m:predict', 'tf_serving', 'predict', 'm', undefined],
    ['/v1/models/m/versions/12:classify?x=1', 'tf_serving', 'classify', 'm', '12'],
    ['/v1/models/m/labels/stable:regress', 'tf_serving', 'regress', 'm', 'stable'],
    ['/v2/models/a%20b/infer', 'kserve_v2', 'infer', 'a b', undefined],
    ['/v2/models/m/versions/v1/infer', 'kserve_v2', 'infer', 'm', 'v1'],
    ['/v2/models/bad%escape/infer', 'kserve_v2', 'infer', 'bad%escape', undefined],
  ];
  for (const [path, protocol, verb, model, version] of routes)
    assert.deepEqual(inferenceRoute('POST', path), { protocol, verb, model, version });
});

test('nothing else is one', () => {
  const paths = [
    '/v1/models/m',
    '/v1/models/m/metadata',
    '/v1/models/m:generate',
    '/v1/models//:predict',
    '/v2/models/m/ready',
    '/v2/models/m/infer/more',
    '/prefix/v2/models/m/infer',
    '*',
  ];
  for (const path of paths) assert.equal(inferenceRoute('POST', path), null, path);
  assert.equal(inferenceRoute('GET', '/v1/models/m:predict'), null);
});
