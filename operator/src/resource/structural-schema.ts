/** As far as zod's JSON Schema of our types goes. */
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

/** Where type and shape stand: what `kubectl explain` and a reader of the file look for first. */
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

/** zod bounds every integer by what a double holds; the API server has int64. */
const withoutDoubleBounds = ({ minimum, maximum, ...rest }: JsonSchema): JsonSchema => ({
  ...rest,
  ...(minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? {} : { minimum }),
  ...(maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? {} : { maximum }),
  ...(rest.type === 'integer' && maximum === Number.MAX_SAFE_INTEGER ? { format: 'int64' } : {}),
});

/** `kubectl explain` shows neither default nor bounds: the description says them. */
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

/**
 * What the API server takes as a structural schema, from zod's JSON Schema: unknown fields are left to
 * its own pruning and strict field validation, patterns stand as rules with a message (see `text`).
 * @throws Error on a keyword that no structural schema may have
 */
export const toStructuralSchema = (schema: JsonSchema): JsonSchema => {
  for (const keyword of ['$ref', 'oneOf', 'anyOf', 'allOf', 'not']) {
    if (keyword in schema) throw new Error(`${keyword} has no place in a structural schema`);
  }
  const { pattern: _, properties, additionalProperties, items, ...rest } = schema;
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
