import type { Endpoint } from '@movie-ticketing/kit/endpoint';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { allEndpoints } from '../src/all-endpoints.ts';
import { examples } from '../src/api-examples.ts';
import { startTestSystem, type TestSystem, type TestUser } from '../testing/system.ts';

/** What the edge refuses, asked of every endpoint there is. */

let system: TestSystem;
let customer: TestUser;

beforeAll(async () => {
  system = await startTestSystem();
  customer = await system.signUp();
});
afterAll(async () => {
  await system.stop();
});

const endpoints = Object.values(allEndpoints()).flat();
const nameOf = (endpoint: Endpoint): string => `${endpoint.method.toUpperCase()} ${endpoint.path}`;
const named = (chosen: (endpoint: Endpoint) => boolean): [string, Endpoint][] =>
  endpoints.filter(chosen).map((endpoint) => [nameOf(endpoint), endpoint]);

const pathOf = (endpoint: Endpoint, id = '1'): string => endpoint.path.replace(':id', id);
const tokenFor = (endpoint: Endpoint): string | undefined =>
  endpoint.access === 'public' ? undefined : system.admin.token;

/** Asks with a sign-in that suffices. */
const ask = (
  endpoint: Endpoint,
  request: { body?: unknown; query?: string; id?: string; headers?: Record<string, string> } = {},
): Promise<any> =>
  system.api(
    endpoint.method.toUpperCase(),
    `${pathOf(endpoint, request.id)}${request.query ?? ''}`,
    {
      token: tokenFor(endpoint),
      ...(request.body === undefined ? {} : { body: request.body }),
      ...(request.headers === undefined ? {} : { headers: request.headers }),
    },
  );

const json = { 'Content-Type': 'application/json' };
const takesBody = ({ body }: Endpoint): boolean => body !== undefined;
const writes = ({ method }: Endpoint): boolean => method !== 'get';

describe('the path', () => {
  const unknown = ['/', '/nothing', '/movies/1/reviews', '/bookings/1/pay', '/docs/x', '/livez'];
  test.each(unknown)('%s is 404 for an unknown path, with and without a sign-in', async (path) => {
    for (const token of [undefined, 'rubbish', customer.token]) {
      const { status, body } = await system.api('POST', path, { token, body: '{' });
      expect([status, body.code]).toEqual([404, 'not_found']);
    }
  });

  const paths = [...new Set(endpoints.map(({ path }) => path))];
  test.each(paths)('%s answers 405 with Allow for another method', async (path) => {
    const here = endpoints.filter((endpoint) => endpoint.path === path);
    const allowed = new Set(here.map(({ method }) => method.toUpperCase()));
    if (allowed.has('GET')) allowed.add('HEAD');
    for (const method of ['PUT', 'POST', 'PATCH', 'DELETE', 'GET']) {
      if (allowed.has(method)) continue;
      const answer = await system.api(method, path.replace(':id', '1'));
      expect(answer.status).toBe(405);
      expect(new Set(answer.headers.get('allow')?.split(', '))).toEqual(allowed);
    }
  });

  const withId = named(({ path }) => path.includes(':id'));
  const badIds = ['0', '-1', 'abc', '1.5', '1e3', '01', '%2B1', '1%00', '9007199254740992', '%ff'];
  test.each(withId)('%s rejects a malformed id with 400', async (_name, endpoint) => {
    for (const id of badIds) {
      const body = takesBody(endpoint) ? examples[endpoint.operationId] : undefined;
      expect([id, (await ask(endpoint, { id, body })).status]).toEqual([id, 400]);
    }
  });

  test.each(withId)('%s answers 404 for an unknown id', async (_name, endpoint) => {
    const body = takesBody(endpoint) ? examples[endpoint.operationId] : undefined;
    const answer = await ask(endpoint, { id: '9007199254740991', body });
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
  });
});

describe('signing in', () => {
  const closed = named(({ access }) => access !== 'public');
  test.each(closed)('%s is 401 without a sign-in', async (_name, endpoint) => {
    for (const token of [undefined, 'rubbish', `${customer.token}x`]) {
      const method = endpoint.method.toUpperCase();
      const answer = await system.api(method, pathOf(endpoint), { token });
      expect([answer.status, answer.body.code]).toEqual([401, 'unauthenticated']);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
  });

  const privileged = named(({ access }) => access === 'admin' || access === 'staff');
  test.each(privileged)('%s is 403 for a customer before validation', async (_name, endpoint) => {
    const answer = await system.api(endpoint.method.toUpperCase(), `${pathOf(endpoint, 'x')}?y=1`, {
      token: customer.token,
      ...(endpoint.method === 'get' ? {} : { body: '{"broken' }),
    });
    expect([answer.status, answer.body.code]).toEqual([403, 'forbidden']);
  });

  test('the table has endpoints for admins (control)', () => {
    expect(privileged.length).toBeGreaterThan(8);
    expect(closed.length).toBeGreaterThan(15);
  });
});

describe('the query', () => {
  test.each(named(() => true))(
    '%s rejects an unknown query parameter with 400',
    async (_name, endpoint) => {
      const body = takesBody(endpoint) ? examples[endpoint.operationId] : undefined;
      for (const query of ['?nonsense=1', '?__proto__=1', '?constructor[a]=1']) {
        const answer = await ask(endpoint, { query, body });
        expect([query, answer.status, answer.body.code]).toEqual([query, 400, 'invalid_request']);
        expect(answer.body.errors).toHaveLength(1);
      }
    },
  );

  const lists = named(({ query }) => query !== undefined);
  const bad = [
    'limit=0',
    'limit=201',
    'limit=x',
    'limit=',
    'limit=1&limit=2',
    'limit=-1',
    'limit=1e1',
    'cursor=x',
    'cursor=',
    `cursor=${Buffer.from('[-1]').toString('base64url')}`,
    `cursor=${Buffer.from('{"__proto__":1}').toString('base64url')}`,
    'cursor=%00',
    'limit=%00',
  ];
  test.each(lists)('%s rejects a limit out of range with 400', async (_name, endpoint) => {
    for (const query of bad) {
      const answer = await ask(endpoint, { query: `?${query}` });
      expect([query, answer.status]).toEqual([query, 400]);
    }
  });

  test.each(lists)('%s rejects a query with NUL with 400', async (_name, endpoint) => {
    const { shape } = endpoint.query as unknown as { shape: Record<string, unknown> };
    for (const field of Object.keys(shape)) {
      expect([field, (await ask(endpoint, { query: `?${field}=a%00b` })).status]).toEqual([
        field,
        400,
      ]);
    }
  });
});

describe('the body', () => {
  const broken = ['{', '{"a":', 'nonsense', '[1', '"', '{"a":1}}', '\u0000'];
  const noObjects = ['null', '[]', '"text"', '1', 'true', '{}', '[{}]'];

  test.each(named(takesBody))(
    '%s rejects a body that is not a JSON object with 400',
    async (_name, endpoint) => {
      // Where every field is optional, no body and an empty object are valid.
      const isOptional = endpoint.body?.safeParse(undefined).success === true;
      for (const body of [...broken, ...noObjects]) {
        if (isOptional && body === '{}') continue;
        const answer = await ask(endpoint, { body });
        expect([body, answer.status, answer.body.code]).toEqual([body, 400, 'invalid_request']);
      }
      if (!isOptional) expect((await ask(endpoint)).status).toBe(400);
    },
  );

  test.each(named(takesBody))('%s rejects an unknown field with 400', async (_name, endpoint) => {
    const example = JSON.stringify(examples[endpoint.operationId]);
    for (const field of ['nonsense', '__proto__', 'constructor', 'id']) {
      const answer = await ask(endpoint, {
        body: example.replace('{', `{"${field}": {"a": 1}, `),
      });
      expect([field, answer.status]).toEqual([field, 400]);
      expect(answer.body.errors[0].path).toBe(field);
    }
  });

  const changesFields = ({ body, method }: Endpoint): boolean =>
    method === 'patch' && body?.safeParse({}).error?.issues[0]?.path.length === 0;
  test.each(named(changesFields))(
    '%s with only an unknown field reports only that field',
    async (_name, endpoint) => {
      const answer = await ask(endpoint, { body: { nonsense: 1 } });
      expect(answer.body.errors).toEqual([{ path: 'nonsense', message: 'is not a known field' }]);
      expect(answer.body.detail).toBe('nonsense: is not a known field');
      const empty = await ask(endpoint, { body: {} });
      expect(empty.body.errors).toEqual([
        { path: '', message: 'must have at least one field to change' },
      ]);
    },
  );

  test.each(named(takesBody))(
    '%s rejects a NUL or a lone surrogate with 400',
    async (_name, endpoint) => {
      const example = examples[endpoint.operationId] as Record<string, unknown>;
      for (const [field, value] of Object.entries(example)) {
        for (const evil of ['a\u0000bcdefgh', 'a\ud800bcdefgh']) {
          if (typeof value !== 'string') continue;
          const answer = await ask(endpoint, { body: { ...example, [field]: evil } });
          expect([field, answer.status]).toEqual([field, 400]);
        }
      }
    },
  );

  const mayBeZero = new Set(['booking_fee', 'tax_rate_bp']);
  test.each(named(takesBody))('%s rejects a number past 2^53 with 400', async (_name, endpoint) => {
    const example = examples[endpoint.operationId] as Record<string, unknown>;
    for (const [field, value] of Object.entries(example)) {
      if (typeof value !== 'number') continue;
      for (const number of ['9007199254740993', '1e400', '-1', '1.5', '0', '"1"']) {
        if (number === '0' && mayBeZero.has(field)) continue;
        const body = JSON.stringify({ ...example, [field]: '@' }).replace('"@"', number);
        expect([field, number, (await ask(endpoint, { body })).status]).toEqual([
          field,
          number,
          400,
        ]);
      }
    }
  });

  test.each(named(writes))('%s rejects a body over its limit with 413', async (_name, endpoint) => {
    const limit = endpoint.maximumBodyBytes ?? 100_000;
    const answer = await ask(endpoint, { body: JSON.stringify({ a: 'x'.repeat(limit) }) });
    expect([answer.status, answer.body.code]).toEqual([413, 'payload_too_large']);
  });

  test.each(named(writes))('%s rejects another content type with 415', async (_name, endpoint) => {
    const types = ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', 'x'];
    for (const type of types) {
      const answer = await ask(endpoint, { body: '{}', headers: { 'Content-Type': type } });
      expect([type, answer.status]).toEqual([type, 415]);
    }
    const zipped = await ask(endpoint, {
      body: '{}',
      headers: { ...json, 'Content-Encoding': 'gzip' },
    });
    expect(zipped.status).toBe(415);
  });

  test.each(named((endpoint) => writes(endpoint) && !takesBody(endpoint)))(
    '%s rejects a body with 400',
    async (_name, endpoint) => {
      expect((await ask(endpoint, { body: { a: 1 } })).status).toBe(400);
    },
  );
});
