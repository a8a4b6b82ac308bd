import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { startTestSystem, type TestSystem } from '../testing/system.ts';

let system: TestSystem;
beforeAll(async () => {
  system = await startTestSystem();
});
afterAll(async () => {
  await system.stop();
});

const post = (path: string, body: Buffer): Promise<Response> =>
  fetch(new URL(path, system.url), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: new Uint8Array(body),
  });

describe('bytes that are not UTF-8', () => {
  test('rejects a body with 400: two passwords must not become one', async () => {
    const body = Buffer.from('{"email":"l1@example.com","password":"p\xe4ssw0rd"}', 'latin1');
    const answer = await post('/users/register', body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code: 'invalid_request' });
  });

  test.each(['%FF', '%ED%A0%80', '%E4'])('rejects the query %s with 400', async (encoded) => {
    const answer = await fetch(`${system.url}/movies?q=${encoded}`);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code: 'invalid_request' });
  });

  test('decodes percent-encoded UTF-8 in a query', async () => {
    const answer = await fetch(`${system.url}/movies?q=${encodeURIComponent('Amélie')}`);
    expect(answer.status).toBe(200);
  });
});

describe('cursors', () => {
  test('rejects a cursor of another list with 400', async () => {
    const theirs = Buffer.from(JSON.stringify(['movies', 1])).toString('base64url');
    expect((await system.api('GET', `/movies?cursor=${theirs}`)).status).toBe(200);
    expect((await system.api('GET', `/theaters?cursor=${theirs}`)).status).toBe(400);
  });
});

describe('a deleted user', () => {
  test('gets 401 for a booking with an invalid body', async () => {
    const { token } = await system.signUp();
    expect((await system.api('DELETE', '/users/me', { token })).status).toBe(204);
    const answer = await system.api('POST', '/bookings', { token, body: { x: 1 } });
    expect(answer.status).toBe(401);
  });
});

describe('refusals', () => {
  test('have a detail, and a 400 has errors', async () => {
    const answer = await system.api('POST', '/users/login', { body: '{' });
    expect(answer.body).toMatchObject({ status: 400, detail: expect.any(String) });
    expect(answer.body.errors).toHaveLength(1);
  });

  test('reject a query parameter of the reference page with 400', async () => {
    expect((await fetch(`${system.url}/docs?x=1`)).status).toBe(400);
  });
});
