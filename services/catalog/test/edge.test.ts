import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { insertMovie, insertScreening, insertTheater } from '../testing/builders.ts';
import { startTestCatalog, type RunningCatalog } from '../testing/running-catalog.ts';

let catalog: RunningCatalog;

beforeAll(async () => {
  catalog = await startTestCatalog();
  await insertMovie(catalog.db);
  await insertTheater(catalog.db);
  await insertScreening(catalog.db);
});

afterAll(() => catalog.stop());

const things = ['movies', 'theaters', 'screenings'] as const;

const writes = things.flatMap((thing) => [
  ['POST', `/${thing}`] as const,
  ['PATCH', `/${thing}/1`] as const,
  ['DELETE', `/${thing}/1`] as const,
]);

describe.each(writes)('%s %s', (method, path) => {
  test('without a token gets 401 with WWW-Authenticate', async () => {
    const answer = await catalog.api(method, path, { body: { nonsense: 1 } });
    expect([answer.status, answer.body.code]).toEqual([401, 'unauthenticated']);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  });

  test.each(['customer', 'staff'] as const)('by a %s gets 403 before validation', async (role) => {
    const { token } = await catalog.signUp(role);
    const answer = await catalog.api(method, path, { token, body: '{not JSON' });
    expect([answer.status, answer.body.code]).toEqual([403, 'forbidden']);
  });

  test('by a deleted admin gets 401', async () => {
    const { id, token } = await catalog.signUp('admin');
    await catalog.db.query(
      'UPDATE users SET deleted_at = now(), email = NULL, canonical_email = NULL, password_hash = NULL WHERE id = $1',
      [id],
    );
    const answer = await catalog.api(method, path, { token });
    expect([answer.status, answer.body.code]).toEqual([401, 'unauthenticated']);
  });
});

describe.each(writes.filter(([method]) => method !== 'DELETE'))(
  'the body of %s %s',
  (method, path) => {
    const send = (request: { body?: unknown; headers?: Record<string, string> }) =>
      catalog.api(method, path, { token: catalog.admin, ...request });

    test('gets 413 where it is too large', async () => {
      const answer = await send({ body: { title: 'x'.repeat(120_000) } });
      expect([answer.status, answer.body.code]).toEqual([413, 'payload_too_large']);
    });

    test('gets 415 where it is of another type', async () => {
      const answer = await send({ body: 'title=x', headers: { 'Content-Type': 'text/plain' } });
      expect([answer.status, answer.body.code]).toEqual([415, 'unsupported_media_type']);
    });

    test.each(['{', '"text"', '[]', 'null', '{"__proto__": {"a": 1}}'])(
      'gets 400 where it is %s',
      async (body) => {
        const answer = await send({ body });
        expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
      },
    );

    test('gets 400 where it is missing', async () => {
      expect((await send({})).status).toBe(400);
    });
  },
);

test.each(things)('rejects DELETE of %s with a body with 400', async (thing) => {
  const request = { token: catalog.admin, body: { force: true } };
  expect((await catalog.api('DELETE', `/${thing}/1`, request)).status).toBe(400);
});

describe.each(things)('an unsupported method on %s', (thing) => {
  test.each([
    ['PUT', `/${thing}/1`, 'GET, PATCH, DELETE, HEAD'],
    ['POST', `/${thing}/1`, 'GET, PATCH, DELETE, HEAD'],
    ['DELETE', `/${thing}`, 'GET, POST, HEAD'],
  ])('%s %s gets 405 with Allow', async (method, path, allow) => {
    const answer = await catalog.api(method, path);
    expect([answer.status, answer.body.code]).toEqual([405, 'method_not_allowed']);
    expect(answer.headers.get('allow')).toBe(allow);
  });
});

test('an unknown path gets 404 before the token is checked', async () => {
  expect((await catalog.api('POST', '/movies/1/posters')).status).toBe(404);
});

test.each([
  [
    500,
    'internal',
    'a defect of the code',
    'ALTER TABLE moved RENAME price_minor TO price_before; CREATE VIEW movies AS SELECT *, 1 / 0 AS price_minor FROM moved',
  ],
  [503, 'unavailable', 'a schema of another version', 'SELECT'],
])('answers %i %s to %s, without details', async (status, code, _what, change) => {
  const broken = await startTestCatalog();
  await broken.db.query('ALTER TABLE movies RENAME TO moved');
  await broken.db.query(change);
  await broken.db.query('GRANT SELECT ON ALL TABLES IN SCHEMA public TO mt_catalog');
  const answer = await broken.api('GET', '/movies/1');
  expect([answer.status, answer.body.code]).toEqual([status, code]);
  expect(JSON.stringify(answer.body)).not.toMatch(/relation|select|42P01|zero|\.ts/i);
  await broken.stop();
});

test('reads recover after PostgreSQL closes the connections, and get 503 until then', async () => {
  await catalog.api('GET', '/theaters');
  await catalog.db.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'movie-ticketing-catalog'`,
  );
  let healed = false;
  for (let limit = 1; !healed; limit += 1) {
    const answer = await catalog.api('GET', `/theaters?limit=${String(limit)}`);
    healed = answer.status === 200;
    if (healed) continue;
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  }
});
