import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';

import { defineEndpoint, type Endpoint } from '../src/endpoint.ts';
import { idInText, instant, money } from '../src/fields.ts';
import { makeSchemaConverter } from '../src/openapi-schema.ts';
import { makeOpenApiDocument } from '../src/openapi.ts';

const endpoint = (changes: Partial<Endpoint> = {}): Endpoint =>
  defineEndpoint({
    method: 'get',
    path: '/things',
    operationId: 'listThings',
    summary: 'Things',
    tag: 'Things',
    access: 'public',
    answers: { 200: z.strictObject({ name: z.string() }) },
    ...changes,
  });

const documentOf = (...endpoints: Endpoint[]) =>
  makeOpenApiDocument({
    title: 'Things',
    version: '1.0.0',
    description: '',
    tags: [{ name: 'Things', description: 'Things' }],
    endpoints,
    examples: {},
  });

describe('schemas', () => {
  test('publishes optional fields, defaults and numeric parameters', () => {
    const convert = makeSchemaConverter();
    const schema = z.strictObject({
      id: idInText().describe('Which'),
      at: instant().exactOptional(),
      limit: z.int().default(3),
    });
    expect(convert.input(schema)).toEqual({
      type: 'object',
      properties: {
        id: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'Which' },
        at: { type: 'string', format: 'date-time' },
        limit: { type: 'integer', default: 3 },
      },
      required: ['id'],
      additionalProperties: false,
    });
  });

  test('a field with a default is required in responses and optional in requests', () => {
    const schema = z.strictObject({ limit: z.int().default(3) });
    const convert = makeSchemaConverter();
    expect(convert.input(schema)['required']).toBeUndefined();
    expect(convert.output(schema)['required']).toEqual(['limit']);
  });

  test('a refined named schema is a plain reference', () => {
    const convert = makeSchemaConverter();
    const reference = { $ref: '#/components/schemas/Money' };
    expect(convert.input(z.strictObject({ price: money.refine(() => true) }))).toMatchObject({
      properties: { price: reference },
    });
    expect(convert.output(money)).toEqual(reference);
    expect(Object.keys(convert.named())).toEqual(['Money']);
  });

  test('rejects two schemas with one name', () => {
    const convert = makeSchemaConverter();
    convert.output(z.string().meta({ id: 'Same' }));
    expect(() => convert.output(z.int().meta({ id: 'Same' }))).toThrow(/both named Same/);
  });

  test('rejects a response schema that JSON cannot represent', () => {
    expect(() => makeSchemaConverter().output(z.strictObject({ at: z.date() }))).toThrow();
  });
});

describe('documents', () => {
  test('rejects a duplicate operationId and an unknown tag', () => {
    expect(() => documentOf(endpoint(), endpoint({ path: '/others' }))).toThrow(/listThings/);
    expect(() => documentOf(endpoint({ tag: 'Nowhere' }))).toThrow(/unknown tag Nowhere/);
  });

  test('documents the errors and the security of an endpoint by its access', () => {
    const { paths } = documentOf(
      endpoint({ operationId: 'a', access: 'admin', method: 'post', path: '/things/:id' }),
      endpoint({ operationId: 'b' }),
    );
    const statuses = (operation: { responses: object } | undefined): string[] =>
      Object.keys(operation?.responses ?? {});
    expect(statuses(paths['/things/{id}']?.['post'])).toEqual([
      '200',
      '400',
      '401',
      '403',
      '404',
      '413',
      '415',
      '429',
      '503',
      'default',
    ]);
    expect(statuses(paths['/things']?.['get'])).toEqual([
      '200',
      '304',
      '400',
      '429',
      '503',
      'default',
    ]);
    expect(paths['/things']?.['get']?.['security']).toEqual([]);
    expect(paths['/things/{id}']?.['post']?.['security']).toEqual([{ bearer: [] }]);
  });
});
