import { z } from 'zod';

/** A JSON Schema (2020-12), as OpenAPI 3.1 takes it. */
export type JsonSchema = { [keyword: string]: unknown };

export type SchemaConverter = {
  /** What a client sends. */
  input: (schema: z.ZodType) => JsonSchema;
  /** What the API returns. */
  output: (schema: z.ZodType) => JsonSchema;
  /** The schemas with an id that were converted so far, by id, for `components.schemas`. */
  named: () => Record<string, JsonSchema>;
};

/**
 * Converts zod schemas to JSON Schemas that refer to `#/components/schemas`. Two metadata keys matter:
 * `id` names a schema, and `override` is the published schema of a field whose transform starts from a
 * string (`?limit=50` is documented as an integer).
 *
 * It uses zod's own converter: zod-to-openapi 9.1 ignores `.exactOptional()` (such a field would be
 * published as required) and does not distinguish input from output.
 */
export const makeSchemaConverter = (): SchemaConverter => {
  const named = new Map<string, JsonSchema>();

  const convert = (schema: z.ZodType, io: 'input' | 'output'): JsonSchema => {
    const converted = z.toJSONSchema(schema, {
      io,
      override: ({ jsonSchema }) => {
        simplify(jsonSchema);
      },
    });
    const { $schema: _dialect, $defs, ...root } = pointToComponents(converted) as JsonSchema;
    for (const [id, definition] of Object.entries(($defs ?? {}) as Record<string, JsonSchema>)) {
      remember(id, definition);
    }
    if (typeof root['id'] !== 'string') return withoutRepeats(root, named);
    const { id, ...definition } = root;
    remember(id, definition);
    return { $ref: `#/components/schemas/${id}` };
  };

  const remember = (id: string, definition: JsonSchema): void => {
    const { id: _id, ...schema } = definition;
    const known = named.get(id);
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(schema)) {
      throw new Error(`two different schemas are both named ${id}: give one another .meta({id})`);
    }
    named.set(id, schema);
  };

  return {
    input: (schema) => convert(schema, 'input'),
    output: (schema) => convert(schema, 'output'),
    named: () =>
      Object.fromEntries(
        [...named]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([id, schema]) => [id, withoutRepeats(schema, named)]),
      ),
  };
};

const formatsWithoutPattern = new Set(['date', 'date-time', 'email', 'uuid', 'uri']);

// Metadata that is kept beside an override.
const kept = ['description', 'examples', 'id'];

/** Replaces a schema by its `override`, and removes keywords that do not help a reader. */
const simplify = (schema: JsonSchema): void => {
  const { override } = schema;
  if (typeof override === 'object' && override !== null) {
    for (const keyword of Object.keys(schema)) {
      if (!kept.includes(keyword)) Reflect.deleteProperty(schema, keyword);
    }
    Object.assign(schema, override);
    return;
  }
  // zod's patterns for these have up to a thousand characters.
  if (formatsWithoutPattern.has(String(schema['format']))) delete schema['pattern'];
  if (schema['minimum'] === Number.MIN_SAFE_INTEGER) {
    delete schema['minimum'];
    if (schema['maximum'] === Number.MAX_SAFE_INTEGER) delete schema['maximum'];
  }
};

const pointToComponents = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(pointToComponents);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) =>
      key === '$ref' && typeof inner === 'string'
        ? [key, inner.replace('#/$defs/', '#/components/schemas/')]
        : [key, pointToComponents(inner)],
    ),
  );
};

/** zod converts a refined copy of a named schema to a reference with all keywords repeated beside it. */
const withoutRepeats = <T>(value: T, named: ReadonlyMap<string, JsonSchema>): T => {
  if (Array.isArray(value)) return value.map((inner) => withoutRepeats<unknown>(inner, named)) as T;
  if (typeof value !== 'object' || value === null) return value;
  const { $ref } = value as JsonSchema;
  const target =
    typeof $ref === 'string' ? named.get($ref.slice($ref.lastIndexOf('/') + 1)) : undefined;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => JSON.stringify(target?.[key]) !== JSON.stringify(inner))
      .map(([key, inner]) => [key, withoutRepeats<unknown>(inner, named)]),
  ) as T;
};
