import { array, int16, int32, since, string, struct } from '../../wire/schema.ts';
import { type Api, defineApi } from '../api.ts';
import { KAFKA_ERROR } from '../error_codes.ts';

const response = struct({
  error_code: int16,
  api_keys: array(struct({ api_key: int16, min_version: int16, max_version: int16 })),
  throttle_ms: since(1, int32),
});

/** Tells clients which versions of which APIs (those of `catalogue`) they may use. */
export function apiVersions(catalogue: () => readonly Api[]): Api {
  return defineApi({
    key: 18,
    name: 'ApiVersions',
    min_version: 0,
    max_version: 3,
    flexible_from: 3,
    request: struct({ client_software_name: since(3, string), client_software_version: since(3, string) }),
    response,
    handle: () => ({ error_code: KAFKA_ERROR.NONE, api_keys: supported(catalogue()), throttle_ms: 0 }),
  });
}

/** The answer to a version of ApiVersions that is not known here: in version 0, so that the client can try again. */
export function unsupportedApiVersions(catalogue: readonly Api[]) {
  return {
    response,
    value: { error_code: KAFKA_ERROR.UNSUPPORTED_VERSION, api_keys: supported(catalogue), throttle_ms: 0 },
  };
}

function supported(catalogue: readonly Api[]) {
  return catalogue.map(({ key, min_version, max_version }) => ({ api_key: key, min_version, max_version }));
}
