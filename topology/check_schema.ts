/** Validates a part of a topology against its schema and says what is wrong in one problem per mistake. */
import type { ErrorObject } from 'ajv';
import type { TSchema } from 'typebox';
import { fillDefaults } from './defaults.ts';
import type { Path, SourceDocument } from './document.ts';
import { nearest } from './nearest.ts';
import type { Problems } from './problem.ts';
import { isSecretName } from './secret.ts';
import { type JsonSchema, strictValidator } from './strict_schema.ts';

export interface Checked {
  /** A copy of the value with defaults filled in; to be relied on only where `valid`. */
  value: unknown;
  valid: boolean;
}

export function checkSchema(
  schema: TSchema,
  value: unknown,
  path: Path,
  document: SourceDocument,
  problems: Problems,
): Checked {
  const strict = strictValidator(schema);
  const filled = fillDefaults(strict.schema, value);
  const valid = strict.validate(filled);
  for (const error of withoutNoise(strict.validate.errors ?? [])) report(error, path, document, problems);
  return { value: filled, valid };
}

function withoutNoise(errors: readonly ErrorObject[]): ErrorObject[] {
  const unions = errors.filter((error) => error.keyword === 'anyOf');
  const dropped = new Set<ErrorObject>();
  for (const union of unions) {
    const branches = branchErrors(union, errors);
    // The branch whose type the value has is the one that was meant; without one, the union itself says it best.
    const meant = branches.filter(
      (branch) => !branch.some((error) => contradicts(error, union.instancePath)),
    );
    const kept = meant.length === 1 ? meant[0]! : [union];
    for (const error of [union, ...branches.flat()]) if (!kept.includes(error)) dropped.add(error);
  }
  return errors.filter((error) => !dropped.has(error) && !isMistyped(error, errors));
}

function branchErrors(union: ErrorObject, errors: readonly ErrorObject[]): ErrorObject[][] {
  const count = (union.parentSchema as JsonSchema).anyOf?.length ?? 0;
  return Array.from({ length: count }, (_, index) =>
    errors.filter((error) => error.schemaPath.startsWith(`${union.schemaPath}/${index}/`)),
  );
}

function contradicts(error: ErrorObject, instance_path: string): boolean {
  return error.instancePath === instance_path && ['type', 'enum'].includes(error.keyword);
}

/** A key that is missing only because it was misspelt is reported as the unknown key that it is. */
function isMistyped(error: ErrorObject, errors: readonly ErrorObject[]): boolean {
  if (error.keyword !== 'required') return false;
  return errors.some(
    (other) =>
      other.keyword === 'additionalProperties' &&
      other.instancePath === error.instancePath &&
      nearest(String(other.params.additionalProperty), propertyNames(other)) === error.params.missingProperty,
  );
}

function propertyNames(error: ErrorObject): string[] {
  return Object.keys((error.parentSchema as JsonSchema).properties ?? {});
}

function report(error: ErrorObject, base: Path, document: SourceDocument, problems: Problems): void {
  const path = [...base, ...pointerPath(error.instancePath, document.value, base)];
  const name = path.at(-1);
  if (error.keyword === 'additionalProperties') {
    const key = String(error.params.additionalProperty);
    const names = propertyNames(error);
    const suggestion = nearest(key, names);
    const listing = suggestion === null ? `; there are ${names.join(', ')}` : '';
    problems.report(
      'E_UNKNOWN_KEY',
      document.keyAt([...path, key]),
      `unknown setting "${key}"${listing}`,
      suggestion,
    );
  } else if (error.keyword === 'required') {
    const where = name === undefined ? '' : ` in "${name}"`;
    problems.report(
      'E_MISSING_KEY',
      document.keyAt(path),
      `"${error.params.missingProperty}" is missing${where}`,
    );
  } else if (!document.isUnresolved(path)) {
    const shown = typeof name === 'string' && isSecretName(name) ? 'the value' : showValue(error.data);
    const { text, suggestion } = expectation(error);
    problems.report('E_VALUE', document.valueAt(path), `${label(path)}: ${shown} ${text}`, suggestion);
  }
}

function label(path: Path): string {
  const name = path.findLast((step) => typeof step === 'string');
  const index = path.at(-1);
  if (name === undefined) return 'the file';
  return typeof index === 'number' ? `"${name}", item ${index + 1}` : `"${name}"`;
}

/** Array indices come back as numbers, so that the path is that of the document. */
function pointerPath(pointer: string, root: unknown, base: Path): Path {
  let value = base.reduce<unknown>((parent, step) => child(parent, step), root);
  return pointer
    .split('/')
    .slice(1)
    .map((part) => {
      const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
      const step = Array.isArray(value) ? Number(key) : key;
      value = child(value, step);
      return step;
    });
}

function child(parent: unknown, step: string | number): unknown {
  return typeof parent === 'object' && parent !== null
    ? (parent as Record<string | number, unknown>)[step]
    : undefined;
}

function showValue(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'a mapping';
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function expectation(error: ErrorObject): { text: string; suggestion: string | null } {
  const schema = error.parentSchema as JsonSchema;
  if (
    error.keyword === 'anyOf' ||
    error.keyword === 'enum' ||
    error.keyword === 'type' ||
    error.keyword === 'pattern'
  ) {
    const names = allowedNames(schema);
    const suggestion = typeof error.data === 'string' ? nearest(error.data, names) : null;
    return { text: `does not fit; it takes ${describeSchema(schema)}`, suggestion };
  }
  return { text: error.message ?? `breaks ${error.keyword}`, suggestion: null };
}

function allowedNames(schema: JsonSchema): string[] {
  const own = (schema.enum ?? []).filter((value) => typeof value === 'string');
  return [...own, ...(schema.anyOf ?? []).flatMap(allowedNames)];
}

const TYPES: Record<string, string> = {
  object: 'a mapping',
  array: 'a list',
  integer: 'a whole number',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  null: 'null',
};

/** What a value may be, for people. */
export function describeSchema(schema: JsonSchema): string {
  if (schema.anyOf) return schema.anyOf.map(describeSchema).join(' or ');
  if (schema.enum) return schema.enum.map((value) => String(value)).join(', ');
  if (schema.examples) return `e.g. ${schema.examples.join(', ')}`;
  if (schema.allOf) return TYPES.object!;
  return TYPES[schema.type ?? ''] ?? 'anything';
}
