/** The numbers that a model was given, found in the body of an inference request. */
import type { NumericInput } from '../sdk/input_stats.ts';
import type { Protocol } from './inference_route.ts';

type Fields = Record<string, unknown>;

/** Undefined where there are none. Text, flags and binary data are left out. */
export function numericInput(protocol: Protocol, request: unknown): NumericInput | undefined {
  if (!isFields(request)) return undefined;
  return protocol === 'kserve_v2' ? kserveInput(request.inputs) : tfServingInput(request);
}

/** `instances` row by row, `inputs` column by column, `examples` of classify and regress. */
function tfServingInput({ instances, inputs, examples }: Fields): NumericInput | undefined {
  return numbersIn(instances ?? inputs ?? examples);
}

/** A tensor, or the tensors by name, or a list of either. */
function numbersIn(value: unknown): NumericInput | undefined {
  if (isNumbers(value)) return value as NumericInput;
  if (Array.isArray(value)) return someOf(value.map(featuresOf));
  return isFields(value) ? featuresOf(value) : undefined;
}

/** One feature stands for itself, so that the shape is that of its tensor. */
function featuresOf(row: unknown): NumericInput | undefined {
  if (!isFields(row)) return isNumber(row) || isNumbers(row) ? (row as NumericInput) : undefined;
  const features = Object.values(row).filter((value) => isNumber(value) || isNumbers(value));
  return features.length === 1 ? (features[0] as NumericInput) : someOf(features);
}

/** Data is flat or nested; `shape` says how it is meant. */
function kserveInput(tensors: unknown): NumericInput | undefined {
  if (!Array.isArray(tensors)) return undefined;
  const numeric = tensors.filter((tensor) => isFields(tensor) && isNumbers(tensor.data)) as Fields[];
  const [first] = numeric;
  if (!first || numeric.length > 1) return someOf(numeric.map(({ data }) => data));
  const { data, shape } = first;
  return (isShape(shape) ? { values: data, shape } : data) as NumericInput;
}

function someOf(values: unknown[]): NumericInput | undefined {
  const present = values.filter((value) => value !== undefined);
  return present.length === 0 ? undefined : (present as unknown as NumericInput);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number';
}

/** As deep as statistics go. */
const MAX_DIMENSIONS = 30;

function isNumbers(value: unknown, level = 0): boolean {
  if (!Array.isArray(value) || value.length === 0 || level > MAX_DIMENSIONS) return false;
  return value.every((item) => isNumber(item) || isNumbers(item, level + 1));
}

function isShape(value: unknown): boolean {
  return Array.isArray(value) && value.every((length) => Number.isSafeInteger(length) && length >= 0);
}
