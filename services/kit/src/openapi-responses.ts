import { STATUS_CODES } from 'node:http';

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

/** Headers of answers, for `components.headers`. */
export const headers = {
  'X-Request-Id': {
    description: 'Names this request in our logs: the one sent, or one made.',
    schema: { type: 'string' },
  },
  ETag: { description: 'Send it back as If-None-Match.', schema: { type: 'string' } },
  'Cache-Control': { description: 'How long the answer may be kept.', schema: { type: 'string' } },
  'Retry-After': {
    description: 'Whole seconds to wait before the next try.',
    schema: { type: 'integer', minimum: 1 },
  },
  'Idempotent-Replayed': {
    description: 'The answer is the stored one of an earlier request with this Idempotency-Key.',
    schema: { type: 'string', const: 'true' },
  },
  'WWW-Authenticate': { description: 'How to sign in.', schema: { type: 'string' } },
} as const;

const codes = Object.keys(problems) as ProblemCode[];

/** The one shape of every refusal (RFC 9457). */
export const problemSchema: JsonSchema = {
  type: 'object',
  description: 'A refusal (RFC 9457).',
  required: ['type', 'title', 'status', 'instance', 'code'],
  additionalProperties: false,
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    detail: { type: 'string', description: 'What was wrong this time, for a person to read.' },
    instance: { type: 'string', format: 'uri', description: 'Carries the X-Request-Id.' },
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
  },
};

export const problemCodeSchema: JsonSchema = {
  type: 'string',
  description: [
    'Every way a request can be refused; the list is closed.',
    '',
    '| code | status | means |',
    '| --- | --- | --- |',
    ...codes.map(
      (code) => `| \`${code}\` | ${String(problems[code].status)} | ${problems[code].title} |`,
    ),
  ].join('\n'),
  enum: codes,
};

/** The refusals an endpoint of this kind has, its own included, grouped by status. */
export const refusalsOf = (endpoint: Endpoint): Map<number, ProblemCode[]> => {
  const found = new Set<ProblemCode>(['invalid_request']);
  if (endpoint.access !== 'public') found.add('unauthenticated');
  if (endpoint.access === 'staff' || endpoint.access === 'admin') found.add('forbidden');
  if (endpoint.path.includes(':')) found.add('not_found');
  if (endpoint.method !== 'get') {
    found.add('payload_too_large').add('unsupported_media_type');
  }
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

/** One refusal, or a pair that goes together, is shared; a longer list is one endpoint's own. */
const refusal = (codes: readonly ProblemCode[], shared: Record<string, Response>): Response => {
  if (codes.length > 2) return problemResponse(codes);
  const name = nameOf(codes);
  shared[name] ??= problemResponse(codes);
  return { $ref: `#/components/responses/${name}` };
};

/** Every answer of an endpoint; refusals are shared through `components.responses`. */
export const responsesOf = (
  endpoint: Endpoint,
  convert: SchemaConverter,
  shared: Record<string, Response>,
): Record<string, Response> => {
  const isRead = endpoint.method === 'get';
  const found: [string, Response][] = Object.entries(endpoint.answers).map(([status, schema]) => [
    status,
    {
      description: `${STATUS_CODES[status] ?? 'Answered'}.`,
      headers: {
        'X-Request-Id': header('X-Request-Id'),
        ...(isRead ? { ETag: header('ETag'), 'Cache-Control': header('Cache-Control') } : {}),
        ...(endpoint.idempotent === true
          ? { 'Idempotent-Replayed': header('Idempotent-Replayed') }
          : {}),
      },
      ...(schema === null || schema === undefined
        ? {}
        : { content: { 'application/json': { schema: convert.output(schema) } } }),
    },
  ]);
  if (isRead) found.push(['304', { $ref: '#/components/responses/NotModified' }]);
  shared['NotModified'] ??= {
    description: 'What If-None-Match names is still what would be answered.',
    headers: { 'X-Request-Id': header('X-Request-Id'), ETag: header('ETag') },
  };
  for (const [status, refusals] of refusalsOf(endpoint)) {
    found.push([String(status), refusal(refusals, shared)]);
  }
  shared['Refused'] ??= {
    ...problemResponse([]),
    description: 'Any other refusal: a problem with one of the codes.',
    content: {
      'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
    },
  };
  found.push(['default', { $ref: '#/components/responses/Refused' }]);
  return Object.fromEntries(found);
};
