/** An exchange → the message `prediction`. Bodies are parsed here, when the response is long gone. */
import { loadavg } from 'node:os';
import { type Captured, writePrediction } from '../sdk/prediction_message.ts';
import type { Message } from '../sdk/publisher.ts';
import { bodyJson } from './body_json.ts';
import type { CapturedBody, Exchange } from './exchange.ts';
import { numericInput } from './tensors.ts';

export interface Naming {
  /** Undefined: the name of the model. */
  deployment_id: string | undefined;
  /** Where neither response nor path names a version. */
  model_version: string;
}

/** A body of JSON has no more bytes, decompressed. */
const MAX_JSON_BYTES = 1024 * 1024;
export const MAX_RECORD_BYTES = 768 * 1024;

/** Throws what `writePrediction` throws. */
export function exchangeMessage(exchange: Exchange, naming: Naming): Message {
  return writePrediction(describe(exchange, naming), MAX_RECORD_BYTES);
}

function describe(exchange: Exchange, { deployment_id, model_version }: Naming): Captured {
  const { route, latency_ms, prediction_id, time_ms } = exchange;
  const input = jsonOf(exchange.request);
  const output = jsonOf(exchange.response);
  return {
    prediction_id,
    timestamp: time_ms,
    deployment_id: nameFrom(deployment_id ?? route.model),
    model_version: nameFrom(versionIn(output) ?? route.version ?? model_version),
    input,
    numeric_input: numericInput(route.protocol, input),
    output,
    model_params: paramsIn(input),
    latency_ms,
    server_load: loadavg()[0]!,
    attributes: attributesOf(exchange, { input, output }),
  };
}

function attributesOf(exchange: Exchange, json: { input: unknown; output: unknown }) {
  const { route, request, response } = exchange;
  const left_out = (['input', 'output'] as const).filter(
    (field) => json[field] === undefined && (field === 'input' ? request : response).size_bytes > 0,
  );
  return {
    protocol: route.protocol,
    verb: route.verb,
    model: route.model,
    status: exchange.status,
    ending: exchange.ending,
    request_bytes: request.size_bytes,
    response_bytes: response.size_bytes,
    in_flight: exchange.in_flight,
    left_out: left_out.length === 0 ? undefined : left_out,
  };
}

function jsonOf({ bytes, headers }: CapturedBody): unknown {
  return bytes && bodyJson(bytes, headers, MAX_JSON_BYTES);
}

/** KServe's responses tell which version answered. */
function versionIn(output: unknown): string | undefined {
  const version = field(output, 'model_version');
  return typeof version === 'string' && version !== '' ? version : undefined;
}

/** `parameters` of KServe, the signature of TensorFlow Serving. */
function paramsIn(input: unknown): unknown {
  const signature_name = field(input, 'signature_name');
  return field(input, 'parameters') ?? (signature_name === undefined ? undefined : { signature_name });
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

const MAX_NAME_LENGTH = 256;

function nameFrom(text: string): string {
  return text.slice(0, MAX_NAME_LENGTH);
}
