import type { z } from 'zod';

import type { Endpoint } from './endpoint.ts';
import { ifMatchPattern, changesResource } from './conditional-requests.ts';
import { headers, problemCodeSchema, problemSchema, responsesOf } from './openapi-responses.ts';
import { makeSchemaConverter, type JsonSchema, type SchemaConverter } from './openapi-schema.ts';

export type OpenApiDocument = {
  openapi: string;
  info: Record<string, unknown>;
  servers: { url: string; description?: string }[];
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, OpenApiOperation>>;
  components: Record<string, Record<string, unknown>>;
};

export type OpenApiOperation = {
  operationId: string;
  responses: Record<string, unknown>;
  [key: string]: unknown;
};

export type OpenApiOptions = {
  title: string;
  version: string;
  description: string;
  /** In display order. Every endpoint's tag must be among them. */
  tags: readonly { name: string; description: string }[];
  endpoints: readonly Endpoint[];
  /** An example of a request body, by operationId. */
  examples: Readonly<Record<string, unknown>>;
};

/**
 * The OpenAPI 3.1 document of these endpoints.
 * @throws Error for an unknown tag, an operationId used twice, or two schemas of one name
 */
export const makeOpenApiDocument = (options: OpenApiOptions): OpenApiDocument => {
  const convert = makeSchemaConverter();
  const responses: Record<string, Record<string, unknown>> = {};
  const paths: OpenApiDocument['paths'] = {};
  const operationIds = new Set<string>();
  for (const endpoint of options.endpoints) {
    if (!options.tags.some(({ name }) => name === endpoint.tag)) {
      throw new Error(`${endpoint.operationId} has the unknown tag ${endpoint.tag}`);
    }
    if (operationIds.has(endpoint.operationId)) {
      throw new Error(`two endpoints are both named ${endpoint.operationId}`);
    }
    operationIds.add(endpoint.operationId);
    const item = (paths[openApiPath(endpoint.path)] ??= {});
    item[endpoint.method] = operationOf(
      endpoint,
      options.examples[endpoint.operationId],
      convert,
      responses,
    );
  }
  return {
    openapi: '3.1.1',
    info: {
      title: options.title,
      version: options.version,
      description: options.description,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'The server of this document' }],
    tags: [...options.tags],
    paths,
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: '`access_token` of POST /users/login or /users/register, for 15 minutes.',
        },
      },
      parameters,
      headers,
      responses: sorted(responses),
      schemas: { ...convert.named(), Problem: problemSchema, ProblemCode: problemCodeSchema },
    },
  };
};

/** `/bookings/:id` as OpenAPI writes it: `/bookings/{id}`. */
export const openApiPath = (path: string): string => path.replaceAll(/:(\w+)/g, '{$1}');

const parameters = {
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description:
      'Makes a repeated request safe: for 24 hours the same key with the same body returns the first response. Use a new key, such as a UUID, for each new request.',
    schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' },
  },
  IfNoneMatch: {
    name: 'If-None-Match',
    in: 'header',
    required: false,
    description:
      'The ETag of a stored response. The response is 304 without a body if it is still current.',
    schema: { type: 'string' },
  },
  IfMatch: {
    name: 'If-Match',
    in: 'header',
    required: false,
    description:
      'The ETag of the resource as it was read, or `*`. The response is 412 if the resource has changed since. The comparison is strong: a weak ETag matches nothing.',
    schema: { type: 'string', pattern: ifMatchPattern },
  },
  IfUnmodifiedSince: {
    name: 'If-Unmodified-Since',
    in: 'header',
    required: false,
    description:
      'Resources have no modification date: without `If-Match` the response is 412. Use `If-Match`.',
    schema: { type: 'string' },
  },
  RequestId: {
    name: 'X-Request-Id',
    in: 'header',
    required: false,
    description:
      'The id of this request in logs and in the response: 1 to 128 letters, digits and `_ . : -`. Any other value is replaced.',
    schema: { type: 'string' },
  },
} as const;

const operationOf = (
  endpoint: Endpoint,
  example: unknown,
  convert: SchemaConverter,
  responses: Record<string, Record<string, unknown>>,
): OpenApiOperation => {
  const parts = [
    ...parametersOf('path', endpoint.params, convert),
    ...parametersOf('query', endpoint.query, convert),
    ...(endpoint.idempotent === true ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : []),
    ...conditionsOf(endpoint).map((name) => ({ $ref: `#/components/parameters/${name}` })),
    { $ref: '#/components/parameters/RequestId' },
  ];
  return {
    operationId: endpoint.operationId,
    tags: [endpoint.tag],
    summary: endpoint.summary,
    description: descriptionOf(endpoint),
    security: endpoint.access === 'public' ? [] : [{ bearer: [] }],
    parameters: parts,
    ...(endpoint.body === undefined
      ? {}
      : {
          requestBody: {
            required: !endpoint.body.safeParse(undefined).success,
            content: {
              'application/json': {
                schema: convert.input(endpoint.body),
                ...(example === undefined ? {} : { example }),
              },
              ...Object.fromEntries(
                (endpoint.textTypes ?? []).map((type) => [type, { schema: { type: 'string' } }]),
              ),
            },
          },
        }),
    responses: responsesOf(endpoint, convert, responses),
  };
};

const conditionsOf = ({ method }: Endpoint): (keyof typeof parameters)[] => {
  if (method === 'get') return ['IfNoneMatch'];
  return changesResource(method) ? ['IfMatch', 'IfUnmodifiedSince'] : [];
};

const accessDescriptions = {
  public: 'Public.',
  'signed-in': 'Needs an access token.',
  staff: 'Needs the role `staff` or `admin`.',
  admin: 'Needs the role `admin`.',
} as const;

const descriptionOf = (endpoint: Endpoint): string => {
  const mayBeOld = endpoint.shared === true ? ['The response may be up to one second old.'] : [];
  const lines = [
    endpoint.description,
    [accessDescriptions[endpoint.access], ...mayBeOld].join(' '),
  ];
  return lines.filter((line) => line !== undefined).join('\n\n');
};

/** Each field of a schema as a parameter, with its description on the parameter itself. */
const parametersOf = (
  where: 'path' | 'query',
  schema: z.ZodType | undefined,
  convert: SchemaConverter,
): object[] => {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = convert.input(schema) as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...field }]) => ({
    name,
    in: where,
    required: required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: field,
  }));
};

const sorted = <T>(record: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
