/** The part of JSON Schema that zod produces for our types. */
export type JsonSchema = {
  type?: string;
  description?: string;
  default?: unknown;
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  properties?: Record<string, JsonSchema>;
  additionalProperties?: boolean | JsonSchema;
  items?: JsonSchema;
  [keyword: string]: unknown;
};

/** Order of the keywords in the file: description and type first, nested schemas and rules last. */
const first = ['description', 'type', 'format', 'enum', 'default'];
const last = [
  'properties',
  'required',
  'items',
  'additionalProperties',
  'x-kubernetes-validations',
];

const place = (keyword: string): number => {
  if (first.includes(keyword)) return first.indexOf(keyword) - first.length;
  return last.indexOf(keyword) + 1;
};

const inOrder = (schema: JsonSchema): JsonSchema =>
  Object.fromEntries(Object.entries(schema).sort(([a], [b]) => place(a) - place(b)));

/** zod bounds every integer by the safe range of a double. The API server has int64. */
const withoutDoubleBounds = ({ minimum, maximum, ...rest }: JsonSchema): JsonSchema => ({
  ...rest,
  ...(minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? {} : { minimum }),
  ...(maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? {} : { maximum }),
  ...(rest.type === 'integer' && maximum === Number.MAX_SAFE_INTEGER ? { format: 'int64' } : {}),
});

/** `kubectl explain` shows neither default nor bounds, so the description states them. */
const withFacts = (schema: JsonSchema): JsonSchema => {
  const { description, minimum, maximum } = schema;
  const facts = [
    ...(minimum === undefined || maximum === undefined
      ? []
      : [`From ${String(minimum)} to ${String(maximum)}`]),
    ...(['string', 'number'].includes(typeof schema.default)
      ? [`default ${String(schema.default)}`]
      : []),
  ].join(', ');
  if (description === undefined || facts === '') return schema;
  return { ...schema, description: `${description} ${capitalized(facts)}.` };
};

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const withoutMapKeywords = ({
  additionalProperties: _values,
  propertyNames: _names,
  ...rest
}: JsonSchema): JsonSchema => rest;

/**
 * Converts zod's JSON Schema to a structural schema for the API server. Unknown fields are left to the
 * API server's pruning and strict field validation. Patterns are CEL rules (see `text`). A union is
 * allowed for int-or-string only, whose alternatives the keyword implies.
 * @throws Error on a keyword that a structural schema cannot have
 */
export const toStructuralSchema = (source: JsonSchema): JsonSchema => {
  const { anyOf: _union, ...withoutUnion } = source;
  const schema = source['x-kubernetes-int-or-string'] === true ? withoutUnion : source;
  for (const keyword of ['$ref', 'oneOf', 'anyOf', 'allOf', 'not']) {
    if (keyword in schema) throw new Error(`a structural schema cannot have ${keyword}`);
  }
  const { pattern: _pattern, properties, items, ...others } = schema;
  // A map of anything: the API server keeps its fields and knows nothing of them.
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const { additionalProperties, ...rest } = isOpen ? withoutMapKeywords(others) : others;
  const valueSchema = typeof additionalProperties === 'object' ? additionalProperties : undefined;
  return inOrder({
    ...withFacts(withoutDoubleBounds(rest)),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, field]) => [name, toStructuralSchema(field)]),
          ),
        }),
    ...(items === undefined ? {} : { items: toStructuralSchema(items) }),
    ...(valueSchema === undefined ? {} : { additionalProperties: toStructuralSchema(valueSchema) }),
  });
};
