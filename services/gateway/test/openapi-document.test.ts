import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { problems } from '@movie-ticketing/kit/problems';
import { describe, expect, test } from '@jest/globals';

import { allEndpoints } from '../src/all-endpoints.ts';
import { makeApiDocument } from '../src/api-document.ts';
import { examples } from '../src/api-examples.ts';
import { makeRouteTable, type EndpointsByService } from '../src/route-table.ts';

const root = join(import.meta.dirname, '../../..');
const endpoints = allEndpoints();
const document = makeApiDocument(endpoints);
const table = makeRouteTable(endpoints);

/** What redocly says of a document under the project's rules. */
const lint = (linted: unknown): { status: number | null; output: string } => {
  const folder = mkdtempSync(join(tmpdir(), 'movie-ticketing-openapi-'));
  try {
    writeFileSync(join(folder, 'openapi.json'), JSON.stringify(linted));
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [
        join(root, 'node_modules/@redocly/cli/bin/cli.js'),
        'lint',
        join(folder, 'openapi.json'),
        `--config=${join(root, 'redocly.yaml')}`,
      ],
      {
        encoding: 'utf8',
        env: {
          PATH: process.env['PATH'],
          REDOCLY_TELEMETRY: 'off',
          REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
        },
      },
    );
    return { status, output: stdout + stderr };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

describe('the OpenAPI document', () => {
  test('has the currency of a deployment, or any', () => {
    const currencyIn = (published: unknown): unknown =>
      (published as any).paths['/movies'].post.requestBody.content['application/json'].schema
        .properties.price.properties.currency;
    expect(currencyIn(makeApiDocument(allEndpoints({ currency: 'EUR' })))).toMatchObject({
      const: 'EUR',
    });
    expect(currencyIn(document)).toMatchObject({ pattern: '^[A-Z]{3}$' });
  });

  test('redocly finds no problem', () => {
    const { status, output } = lint(document);
    expect(output).not.toMatch(/warning|error/i);
    expect(status).toBe(0);
  }, 300_000);

  test('redocly finds a broken reference (control)', () => {
    const broken = structuredClone(document);
    delete broken.components['schemas']?.['Problem'];
    expect(lint(broken).status).not.toBe(0);
  }, 300_000);

  test('has exactly the operations of the route table', () => {
    const documented = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const routed = table.map(({ method, path }) => `${method} ${path.replace(':id', '{id}')}`);
    expect(documented.sort()).toEqual(routed.sort());
  });

  test('lists every problem code', () => {
    const { ProblemCode } = document.components['schemas'] as Record<string, { enum: string[] }>;
    expect(ProblemCode?.enum).toEqual(Object.keys(problems));
  });

  test.each(
    Object.values(endpoints)
      .flat()
      .filter(({ body }) => body !== undefined)
      .map(({ operationId, body }) => [operationId, body] as const),
  )('the example of %s passes validation', (operationId, body) => {
    expect(examples[operationId]).toBeDefined();
    expect(body?.safeParse(examples[operationId])).toMatchObject({ success: true });
  });

  test('optional fields are not required, and numeric parameters are numbers', () => {
    const list = document.paths['/screenings']?.['get'];
    const named = Object.fromEntries(
      (list?.['parameters'] as { name?: string }[]).map((parameter) => [parameter.name, parameter]),
    );
    expect(named['movie_id']).toMatchObject({ required: false, schema: { type: 'integer' } });
    expect(named['limit']).toMatchObject({
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: 200, default: 50 },
    });
  });
});

describe('the route table', () => {
  const path = (service: keyof EndpointsByService, changed: string): EndpointsByService => {
    const [first, ...others] = endpoints[service];
    if (first === undefined) throw new Error(`${service} has no endpoint`);
    return { ...endpoints, [service]: [{ ...first, path: changed, method: 'get' }, ...others] };
  };

  test('rejects a method and path of two services', () => {
    expect(() => makeRouteTable(path('bookings', '/movies'))).toThrow(
      'GET /movies is defined by catalog and by bookings',
    );
  });

  test('treats patterns that differ in a parameter name as equal', () => {
    expect(() => makeRouteTable(path('bookings', '/movies/:movie_id'))).toThrow('is defined by');
  });

  test('endpoints with Idempotency-Key need a sign-in', () => {
    expect(table.filter(({ idempotent, access }) => idempotent && access === 'public')).toEqual([]);
  });

  test('the public endpoints are exactly those of the contract', () => {
    const open = table.filter(({ access }) => access === 'public');
    expect(open.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(
      [
        'GET /.well-known/jwks.json',
        'GET /movies',
        'GET /movies/:id',
        'GET /openapi.json',
        'GET /ping',
        'GET /screenings',
        'GET /screenings/:id',
        'GET /screenings/:id/prices',
        'GET /screenings/:id/seats',
        'GET /seat-plans/:id',
        'GET /theaters',
        'GET /theaters/:id',
        'POST /users/login',
        'POST /users/password',
        'POST /users/refresh',
        'POST /users/register',
      ].sort(),
    );
  });
});
