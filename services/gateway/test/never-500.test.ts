import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { allEndpoints } from '../src/all-endpoints.ts';
import { examples } from '../src/api-examples.ts';
import { startTestSystem, type TestSystem } from '../testing/system.ts';

let system: TestSystem;

beforeAll(async () => {
  // Without seats to sell nothing but validation and look-ups is reached: what is here may be changed.
  system = await startTestSystem();
});
afterAll(async () => {
  await system.stop();
});

const evil = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    '',
    '\u0000',
    '\ud800',
    -1,
    0,
    1,
    2 ** 53,
    1e308,
    [],
    {},
    '1',
    'é'.repeat(100),
    "'; DROP TABLE users; --",
    '2027-02-30',
    '9999-12-31',
    '0000-01-01',
    '2027-01-31T24:00:00Z',
    '+275760-09-13T00:00:00Z',
    { amount: 1, currency: 'USD' },
    { amount: 1, currency: 'usd' },
    'a@b.example',
    'x'.repeat(5_001),
    'Europe/London',
    'scheduled',
    'cancelled',
    'admin',
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.integer(),
  fc.double(),
  fc.jsonValue({ maxDepth: 2 }),
);

const endpoints = Object.values(allEndpoints())
  .flat()
  // These end the sign-in that the others need.
  .filter(
    ({ operationId }) => !['deleteMe', 'changePassword', 'logoutSession'].includes(operationId),
  );

const id = fc.constantFrom('1', '2', '9007199254740991', '0', 'x', '%00', '..%2f', "1'--");

const request = fc.constantFrom(...endpoints).chain((endpoint) => {
  const example = (examples[endpoint.operationId] ?? {}) as Record<string, unknown>;
  const fields = Object.keys(example);
  const query = Object.keys(
    (endpoint.query as unknown as { shape?: object } | undefined)?.shape ?? {},
  );
  return fc.record({
    method: fc.constant(endpoint.method.toUpperCase()),
    path: id.map((it) => endpoint.path.replace(':id', it)),
    query: fc.dictionary(
      fc.constantFrom('nonsense', ...query),
      fc.string({ unit: 'binary', maxLength: 30 }),
      { maxKeys: 3 },
    ),
    body:
      endpoint.method === 'get'
        ? fc.constant(undefined)
        : fc.oneof(
            evil,
            fc
              .dictionary(fc.constantFrom('nonsense', ...fields), evil, { maxKeys: 3 })
              .map((changes) => ({ ...example, ...changes })),
          ),
    key: fc.option(fc.constantFrom('k', 'é', 'x'.repeat(256), ''), { nil: undefined }),
  });
});

test('any request gets a documented response and never a 5xx', async () => {
  await fc.assert(
    fc.asyncProperty(request, async ({ method, path, query, body, key }) => {
      const encoded = Object.entries(query)
        .map(([name, value]) => `${name}=${encodeURIComponent(value.toWellFormed())}`)
        .join('&');
      const answer = await system.api(method, encoded === '' ? path : `${path}?${encoded}`, {
        token: system.admin.token,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        // Headers are bytes: what has none is sent as none.
        ...(key === undefined || /[^\x20-\xff]/.test(key)
          ? {}
          : { headers: { 'Idempotency-Key': key } }),
      });
      expect(answer.status).toBeLessThan(500);
    }),
    { numRuns: 1_000 },
  );
}, 400_000);
