/** Schemas as lint needs them: settings that no schema names are mistakes, and a choice of constants is an enum. */
import { Ajv, type ValidateFunction } from 'ajv';
import type { TSchema } from 'typebox';

export interface JsonSchema {
  type?: string;
  properties?: Record<string, JsonSchema>;
  additionalProperties?: boolean | JsonSchema;
  anyOf?: JsonSchema[];
  const?: unknown;
  enum?: unknown[];
  examples?: unknown[];
  description?: string;
  [keyword: string]: unknown;
}

interface StrictValidator {
  schema: JsonSchema;
  validate: ValidateFunction;
}

const compiled = new WeakMap<TSchema, StrictValidator>();

/** Compiled once per schema. */
export function strictValidator(schema: TSchema): StrictValidator {
  let found = compiled.get(schema);
  if (!found) {
    const ajv = new Ajv({ allErrors: true, verbose: true, strict: false });
    const strict_schema = strictSchema(schema);
    found = { schema: strict_schema, validate: ajv.compile(strict_schema) };
    compiled.set(schema, found);
  }
  return found;
}

export function strictSchema(schema: TSchema): JsonSchema {
  return strict(JSON.parse(JSON.stringify(schema)) as JsonSchema);
}

function strict(schema: JsonSchema): JsonSchema {
  const { $id: _, ...result } = mapValues(schema, strictChild) as JsonSchema;
  if (result.properties && result.additionalProperties === undefined) result.additionalProperties = false;
  if (result.anyOf?.every((branch) => branch.enum)) {
    result.enum = result.anyOf.flatMap((branch) => branch.enum ?? []);
    delete result.anyOf;
  } else if ('const' in result) {
    result.enum = [result.const];
    delete result.const;
  }
  return result;
}

/** Only under these keywords stand schemas; `default` and `examples` hold data. */
function strictChild(child: unknown, keyword: string): unknown {
  if (keyword === 'properties' || keyword === 'patternProperties')
    return mapValues(child as Record<string, JsonSchema>, strict);
  if (keyword === 'anyOf') return (child as JsonSchema[]).map(strict);
  const holds_schema = keyword === 'items' || keyword === 'additionalProperties';
  return holds_schema && typeof child === 'object' ? strict(child as JsonSchema) : child;
}

function mapValues<In, Out>(
  record: Record<string, In>,
  map: (value: In, key: string) => Out,
): Record<string, Out> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]));
}
