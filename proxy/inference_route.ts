/**
 * Which requests are inferences, and of which model. TensorFlow Serving's REST API: `POST
 * /v1/models/NAME[/versions/V|/labels/L]:predict|:classify|:regress`. The Open Inference Protocol (KServe v2): `POST
 * /v2/models/NAME[/versions/V]/infer`.
 */

export type Protocol = 'tf_serving' | 'kserve_v2';

export interface InferenceRoute {
  protocol: Protocol;
  /** `predict`, `classify`, `regress` or `infer`. */
  verb: string;
  model: string;
  /** As the path names it; a label is the name of a version. */
  version: string | undefined;
}

const TF_SERVING = /^\/v1\/models\/([^/:]+)(?:\/(?:versions|labels)\/([^/:]+))?:(predict|classify|regress)$/;
const KSERVE_V2 = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?\/(infer)$/;

/** Null: not an inference. `path` is as on the wire, with or without a query. */
export function inferenceRoute(method: string, path: string): InferenceRoute | null {
  if (method !== 'POST') return null;
  const bare = path.split('?', 1)[0]!;
  return routeOf('tf_serving', TF_SERVING.exec(bare)) ?? routeOf('kserve_v2', KSERVE_V2.exec(bare));
}

function routeOf(protocol: Protocol, match: RegExpExecArray | null): InferenceRoute | null {
  if (!match) return null;
  const [, model, version, verb] = match;
  return { protocol, verb: verb!, model: decoded(model!), version: version && decoded(version) };
}

/** The upstream may know what to do with a name that is not well escaped. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
