/** A value that may be unknown. */
import { type TSchema, Type } from 'typebox';

export function OrNull<Schema extends TSchema>(schema: Schema, description: string) {
  return Type.Union([schema, Type.Null()], { description });
}
