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
  test.each(unknown)('when %s does not exist, then it is 404, signed in or not', async (path) => {
    for (const token of [undefined, 'rubbish', customer.token]) {
      const { status, body } = await system.api('POST', path, { token, body: '{' });
      expect([status, body.code]).toEqual([404, 'not_found']);
    }
  });

  const paths = [...new Set(endpoints.map(({ path }) => path))];
  test.each(paths)('when %s has no such method, then it is 405 and says which', async (path) => {
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
  test.each(withId)('when the id of %s is none, then it is 400', async (_name, endpoint) => {
    for (const id of badIds) {
      const body = takesBody(endpoint) ? examples[endpoint.operationId] : undefined;
      expect([id, (await ask(endpoint, { id, body })).status]).toEqual([id, 400]);
    }
  });

  test.each(withId)('when nothing has the id of %s, then it is 404', async (_name, endpoint) => {
    const body = takesBody(endpoint) ? examples[endpoint.operationId] : undefined;
    const answer = await ask(endpoint, { id: '9007199254740991', body });
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
  });
});

describe('signing in', () => {
  const closed = named(({ access }) => access !== 'public');
  test.each(closed)('when nobody signed in, then %s is 401', async (_name, endpoint) => {
    for (const token of [undefined, 'rubbish', `${customer.token}x`]) {
      const method = endpoint.method.toUpperCase();
      const answer = await system.api(method, pathOf(endpoint), { token });
      expect([answer.status, answer.body.code]).toEqual([401, 'unauthenticated']);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
  });

  const privileged = named(({ access }) => access === 'admin' || access === 'staff');
  test.each(privileged)(
    'when a customer asks, then %s is 403 before anything is validated',
    async (_name, endpoint) => {
      const answer = await system.api(
        endpoint.method.toUpperCase(),
        `${pathOf(endpoint, 'x')}?y=1`,
        {
          token: customer.token,
          ...(endpoint.method === 'get' ? {} : { body: '{"broken' }),
        },
      );
      expect([answer.status, answer.body.code]).toEqual([403, 'forbidden']);
    },
  );

  test('when the table has no endpoint for admins, then the tests above say nothing', () => {
    expect(privileged.length).toBeGreaterThan(8);
    expect(closed.length).toBeGreaterThan(15);
  });
});

describe('the query', () => {
  test.each(named(() => true))(
    'when %s is asked with an unknown parameter, then it is 400',
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
  test.each(lists)('when %s is asked out of range, then it is 400', async (_name, endpoint) => {
    for (const query of bad) {
      const answer = await ask(endpoint, { query: `?${query}` });
      expect([query, answer.status]).toEqual([query, 400]);
    }
  });

  test.each(lists)('when %s has text with NUL, then it is 400', async (_name, endpoint) => {
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
    'when the body of %s is no JSON object, then it is 400',
    async (_name, endpoint) => {
      for (const body of [...broken, ...noObjects]) {
        const answer = await ask(endpoint, { body });
        expect([body, answer.status, answer.body.code]).toEqual([body, 400, 'invalid_request']);
      }
      expect((await ask(endpoint)).status).toBe(400);
    },
  );

  test.each(named(takesBody))(
    'when the body of %s has an unknown field, then it is 400',
    async (_name, endpoint) => {
      const example = JSON.stringify(examples[endpoint.operationId]);
      for (const field of ['nonsense', '__proto__', 'constructor', 'id']) {
        const answer = await ask(endpoint, {
          body: example.replace('{', `{"${field}": {"a": 1}, `),
        });
        expect([field, answer.status]).toEqual([field, 400]);
        expect(answer.body.errors[0].path).toBe(field);
      }
    },
  );

  test.each(named(takesBody))(
    'when a text of %s has a NUL or half a character, then it is 400',
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

  test.each(named(takesBody))(
    'when a number of %s is past 2^53, then it is 400',
    async (_name, endpoint) => {
      const example = examples[endpoint.operationId] as Record<string, unknown>;
      for (const [field, value] of Object.entries(example)) {
        if (typeof value !== 'number') continue;
        for (const number of ['9007199254740993', '1e400', '-1', '1.5', '0', '"1"']) {
          const body = JSON.stringify({ ...example, [field]: '@' }).replace('"@"', number);
          expect([field, number, (await ask(endpoint, { body })).status]).toEqual([
            field,
            number,
            400,
          ]);
        }
      }
    },
  );

  test.each(named(writes))(
    'when the body of %s is over 100 kB, then it is 413',
    async (_name, endpoint) => {
      const answer = await ask(endpoint, { body: JSON.stringify({ a: 'x'.repeat(101_000) }) });
      expect([answer.status, answer.body.code]).toEqual([413, 'payload_too_large']);
    },
  );

  test.each(named(writes))(
    'when the body of %s is no JSON by its type, then it is 415',
    async (_name, endpoint) => {
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
    },
  );

  test.each(named((endpoint) => writes(endpoint) && !takesBody(endpoint)))(
    'when %s takes no body and gets one, then it is 400',
    async (_name, endpoint) => {
      expect((await ask(endpoint, { body: { a: 1 } })).status).toBe(400);
    },
  );
});
