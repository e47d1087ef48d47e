/** How OpenAPI documents call the schemas that several routes share: by their `$id`. For @fastify/swagger. */
export function schemaName(
  json: Record<string, unknown>,
  _base: unknown,
  _fragment: unknown,
  index: number,
): string {
  return typeof json.$id === 'string' ? json.$id : `schema-${index}`;
}
