/** What the scanner must know of the fields of predictions and feedback, read off their schemas. */
import type { TSchema } from 'typebox';
import { Feedback } from '../feedback.ts';
import { InputStats, Prediction } from '../prediction.ts';

/** How a value is read. */
export const READ = {
  TEXT: 0,
  NUMBER: 1,
  ANY: 2,
  OBJECT: 3,
  /** As of `input_shape`. */
  NUMBERS: 4,
  STATS: 5,
  FEEDBACK_TYPE: 6,
  TIME: 7,
} as const;

export interface Field {
  name: string;
  reading: number;
  /** Of numbers the value, of texts the length in characters. */
  least: number;
  most: number;
}

/** Of what no rule can be made, and what no rule says. */
const SPECIAL: Record<string, number> = {
  timestamp: READ.TIME,
  feedback_type: READ.FEEDBACK_TYPE,
  input_shape: READ.NUMBERS,
  input_stats: READ.STATS,
};

/** As JSON Schema says it; a field of both kinds has the same rules in both. */
export const FIELDS: readonly Field[] = Object.entries({
  ...Prediction.properties,
  ...Feedback.properties,
}).map(([name, schema]) => fieldOf(name, schema));

interface Rule {
  type?: string;
  anyOf?: Rule[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
}

function fieldOf(name: string, schema: TSchema): Field {
  const rule = orNull(schema as Rule);
  const reading = SPECIAL[name] ?? readingOf(rule);
  const least = rule.minimum ?? rule.minLength ?? Number.NEGATIVE_INFINITY;
  const most = rule.maximum ?? rule.maxLength ?? Number.POSITIVE_INFINITY;
  return { name, reading, least, most };
}

/** Every field that is not required may be null, whether its schema says so or not. */
function orNull(rule: Rule): Rule {
  return rule.anyOf?.find(({ type }) => type !== 'null') ?? rule;
}

function readingOf({ type }: Rule): number {
  if (type === 'string') return READ.TEXT;
  if (type === 'number') return READ.NUMBER;
  return type === 'object' ? READ.OBJECT : READ.ANY;
}

export function fieldNamed(name: string): number {
  return FIELDS.findIndex((field) => field.name === name);
}

/** One bit per field. */
export function bitsOf(names: readonly string[]): number {
  return names.reduce((bits, name) => bits | (1 << fieldNamed(name)), 0);
}

export const STAT_NAMES = Object.keys(InputStats.properties);

/** One bit per statistic. */
export function statBits(names: readonly string[]): number {
  return names.reduce((bits, name) => bits | (1 << STAT_NAMES.indexOf(name)), 0);
}
