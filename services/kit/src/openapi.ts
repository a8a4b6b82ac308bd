import type { z } from 'zod';

import type { Endpoint } from './endpoint.ts';
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
  /** In the order they are shown; every endpoint's tag must be among them. */
  tags: readonly { name: string; description: string }[];
  endpoints: readonly Endpoint[];
  /** A body to begin with, by operationId. */
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
    servers: [{ url: '/', description: 'Where this document came from' }],
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
      'Makes a repeat safe: the same key with the same body gives the first answer again, for 24 hours. Make a new one (a UUID) for each new request.',
    schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' },
  },
  IfNoneMatch: {
    name: 'If-None-Match',
    in: 'header',
    required: false,
    description: 'An ETag you have: 304 without a body where nothing has changed.',
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
    ...(endpoint.method === 'get' ? [{ $ref: '#/components/parameters/IfNoneMatch' }] : []),
  ];
  return {
    operationId: endpoint.operationId,
    tags: [endpoint.tag],
    summary: endpoint.summary,
    description: descriptionOf(endpoint),
    security: endpoint.access === 'public' ? [] : [{ bearer: [] }],
    ...(parts.length === 0 ? {} : { parameters: parts }),
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
            },
          },
        }),
    responses: responsesOf(endpoint, convert, responses),
  };
};

const whoMayCall = {
  public: 'No sign-in needed.',
  'signed-in': 'Needs a sign-in.',
  staff: 'Needs the role `staff` or `admin`.',
  admin: 'Needs the role `admin`.',
} as const;

const descriptionOf = (endpoint: Endpoint): string => {
  const mayBeOld = endpoint.shared === true ? ['The answer may be up to one second old.'] : [];
  const lines = [endpoint.description, [whoMayCall[endpoint.access], ...mayBeOld].join(' ')];
  return lines.filter((line) => line !== undefined).join('\n\n');
};

/** Each field of a schema as a parameter. Its description moves up to where readers look for it. */
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
