import { STATUS_CODES } from 'node:http';

import { changesResource } from './conditional-requests.ts';
import type { Endpoint } from './endpoint.ts';
import type { JsonSchema, SchemaConverter } from './openapi-schema.ts';
import {
  invalid,
  Problem,
  problems,
  toProblemBody,
  type ProblemBody,
  type ProblemCode,
} from './problems.ts';

type Response = Record<string, unknown>;

const header = (name: string): { $ref: string } => ({ $ref: `#/components/headers/${name}` });

/** Headers of responses, for `components.headers`. */
export const headers = {
  'X-Request-Id': {
    description: 'The id of this request in logs: the one that was sent, or a new one.',
    schema: { type: 'string' },
  },
  ETag: {
    description:
      'The version of this representation, for If-None-Match on reads and If-Match on changes.',
    schema: { type: 'string' },
  },
  Location: { description: 'The path of the created resource.', schema: { type: 'string' } },
  'Cache-Control': {
    description: 'How long the response may be stored.',
    schema: { type: 'string' },
  },
  'Retry-After': {
    description: 'Whole seconds to wait before the next attempt.',
    schema: { type: 'integer', minimum: 1 },
  },
  'Idempotent-Replayed': {
    description: 'This is the stored response of an earlier request with the same Idempotency-Key.',
    schema: { type: 'string', const: 'true' },
  },
  'WWW-Authenticate': { description: 'The authentication scheme.', schema: { type: 'string' } },
} as const;

const codes = Object.keys(problems) as ProblemCode[];

/** The body of every error (RFC 9457). */
export const problemSchema: JsonSchema = {
  type: 'object',
  description: 'An error (RFC 9457).',
  required: ['type', 'title', 'status', 'instance', 'code'],
  additionalProperties: false,
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    detail: { type: 'string', description: 'What is wrong with this request, for a person.' },
    instance: {
      type: 'string',
      format: 'uri',
      description: '`urn:request:` and the X-Request-Id.',
    },
    code: { $ref: '#/components/schemas/ProblemCode' },
    errors: {
      type: 'array',
      description: 'Each bad field of an `invalid_request`.',
      items: {
        type: 'object',
        required: ['path', 'message'],
        additionalProperties: false,
        properties: { path: { type: 'string' }, message: { type: 'string' } },
      },
    },
    seats: {
      type: 'array',
      description: 'The seats that `seats_taken` and the like are about.',
      items: { type: 'string' },
    },
  },
};

export const problemCodeSchema: JsonSchema = {
  type: 'string',
  description: [
    'Every error code. The list is complete.',
    '',
    '| code | status | meaning |',
    '| --- | --- | --- |',
    ...codes.map(
      (code) => `| \`${code}\` | ${String(problems[code].status)} | ${problems[code].title} |`,
    ),
  ].join('\n'),
  enum: codes,
};

/** The errors of an endpoint, those of its kind and its own, grouped by status. */
export const refusalsOf = (endpoint: Endpoint): Map<number, ProblemCode[]> => {
  const found = new Set<ProblemCode>(['invalid_request']);
  if (endpoint.access !== 'public') found.add('unauthenticated');
  if (endpoint.access === 'staff' || endpoint.access === 'admin') found.add('forbidden');
  if (endpoint.path.includes(':')) found.add('not_found');
  if (endpoint.method !== 'get') {
    found.add('payload_too_large').add('unsupported_media_type');
  }
  if (changesResource(endpoint.method)) found.add('precondition_failed');
  if (endpoint.idempotent === true) {
    found.add('idempotency_key_in_flight').add('idempotency_key_reused');
  }
  for (const code of endpoint.problems ?? []) found.add(code);
  found.add('too_many_requests').add('overloaded').add('unavailable');
  return Map.groupBy(
    codes.filter((code) => found.has(code)),
    (code) => problems[code].status,
  );
};

const problemResponse = (refusals: readonly ProblemCode[]): Response => {
  const statuses = refusals.map((code) => problems[code].status);
  const retries = statuses.some((status) => status === 429 || status === 503);
  return {
    description: refusals.map((code) => `\`${code}\`: ${problems[code].title}.`).join(' '),
    headers: {
      'X-Request-Id': header('X-Request-Id'),
      ...(retries || refusals.includes('idempotency_key_in_flight')
        ? { 'Retry-After': header('Retry-After') }
        : {}),
      ...(statuses.includes(401) ? { 'WWW-Authenticate': header('WWW-Authenticate') } : {}),
    },
    content: {
      'application/problem+json': {
        schema: {
          $ref: '#/components/schemas/Problem',
          properties: { code: { enum: refusals } },
        },
        examples: Object.fromEntries(refusals.map((code) => [code, { value: exampleOf(code) }])),
      },
    },
  };
};

const exampleOf = (code: ProblemCode): ProblemBody =>
  toProblemBody(
    code === 'invalid_request'
      ? invalid('limit', 'must be a whole number from 1 to 200')
      : new Problem(code),
    '0b0e7f0e-6a3c-4b61-8f0a-1f0b8a6d2f11',
  );

const nameOf = (refusals: readonly ProblemCode[]): string =>
  refusals
    .map((code) =>
      code
        .split('_')
        .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
        .join(''),
    )
    .join('Or');

/** One error or a pair of errors is a shared response; a longer list belongs to its endpoint. */
const refusal = (codes: readonly ProblemCode[], shared: Record<string, Response>): Response => {
  if (codes.length > 2) return problemResponse(codes);
  const name = nameOf(codes);
  shared[name] ??= problemResponse(codes);
  return { $ref: `#/components/responses/${name}` };
};

const representationHeaders = (
  { method, idempotent }: Endpoint,
  status: string,
): Record<string, { $ref: string }> => {
  const etag = { ETag: header('ETag') };
  if (method === 'get') return { ...etag, 'Cache-Control': header('Cache-Control') };
  if (method === 'patch' && status === '200') return etag;
  // A created resource has a path. The other 201 answers hold tokens, which cannot be read again.
  if (status === '201' && idempotent === true) return { ...etag, Location: header('Location') };
  return {};
};

/** Every response of an endpoint; errors are shared through `components.responses`. */
export const responsesOf = (
  endpoint: Endpoint,
  convert: SchemaConverter,
  shared: Record<string, Response>,
): Record<string, Response> => {
  const isRead = endpoint.method === 'get';
  const found: [string, Response][] = Object.entries(endpoint.answers).map(([status, schema]) => [
    status,
    {
      description: `${STATUS_CODES[status] ?? 'Success'}.`,
      headers: {
        'X-Request-Id': header('X-Request-Id'),
        ...representationHeaders(endpoint, status),
        ...(endpoint.idempotent === true
          ? { 'Idempotent-Replayed': header('Idempotent-Replayed') }
          : {}),
      },
      ...(schema === null || schema === undefined
        ? {}
        : {
            content: {
              [endpoint.contentType ?? 'application/json']: { schema: convert.output(schema) },
            },
          }),
    },
  ]);
  if (isRead) found.push(['304', { $ref: '#/components/responses/NotModified' }]);
  shared['NotModified'] ??= {
    description: 'The stored response is still current.',
    headers: { 'X-Request-Id': header('X-Request-Id'), ETag: header('ETag') },
  };
  for (const [status, refusals] of refusalsOf(endpoint)) {
    found.push([String(status), refusal(refusals, shared)]);
  }
  shared['Refused'] ??= {
    ...problemResponse([]),
    description: 'Any other error.',
    content: {
      'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
    },
  };
  found.push(['default', { $ref: '#/components/responses/Refused' }]);
  return Object.fromEntries(found);
};
