import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader } from 'jose';

import { anEmail, password, register, startUsers, type UsersFixture } from './users.fixture.ts';

let users: UsersFixture;
beforeAll(async () => {
  users = await startUsers();
});
afterAll(() => users.stop());

const post = (body: unknown) => users.api('POST', '/users/register', { body });

describe('registration', () => {
  test('returns 201 with the user and the tokens of a session', async () => {
    const { status, headers, body } = await post({ email: 'Ada@Example.com', password });
    expect(status).toBe(201);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({
      user: {
        id: expect.any(Number),
        email: 'Ada@Example.com',
        role: 'customer',
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      },
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 900,
      refresh_token: expect.stringMatching(/^[\w-]{43}$/),
    });
    const me = await users.api('GET', '/users/me', { token: body.access_token });
    expect(me.body).toEqual({ user: body.user });
  });

  test('the access token is an EdDSA at+jwt with ids and nothing personal', async () => {
    const { user, access_token } = await register(users.api);
    const { keys } = (await users.api('GET', '/.well-known/jwks.json')).body;
    expect(decodeProtectedHeader(access_token)).toEqual({
      alg: 'EdDSA',
      typ: 'at+jwt',
      kid: keys[0].kid,
    });
    const claims = decodeJwt(access_token);
    expect(claims).toEqual({
      iss: 'movie-ticketing',
      aud: 'movie-ticketing',
      sub: String(user.id),
      role: 'customer',
      iat: expect.any(Number),
      exp: (claims.iat ?? 0) + 900,
      jti: expect.any(String),
    });
  });

  test('of twenty registrations of one e-mail address at the same time one succeeds, the others get 409', async () => {
    const email = anEmail();
    const emails = Array.from({ length: 20 }, (_, n) =>
      n % 2 === 0 ? email : email.toUpperCase(),
    );
    const answers = await Promise.all(
      emails.map((spelling) => post({ email: spelling, password })),
    );
    const taken = answers.filter(({ status }) => status === 409);
    expect(taken).toHaveLength(19);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(new Set(taken.map(({ body }) => body.code))).toEqual(new Set(['email_taken']));
    expect(JSON.stringify(taken)).not.toMatch(/users_email_key|duplicate|INSERT/);
  });

  test('the database holds neither the password nor the refresh token', async () => {
    const { user, refresh_token } = await register(users.api);
    const [row] = await users.sql<{ stored: string }>(
      `SELECT (SELECT to_jsonb(u)::text FROM users u WHERE id = $1) ||
              (SELECT jsonb_agg(t)::text FROM refresh_tokens t WHERE user_id = $1) AS stored`,
      [user.id],
    );
    expect(row?.stored).toContain('$2b$04$');
    expect(row?.stored).not.toContain(password);
    expect(row?.stored).not.toContain(refresh_token);
    expect(row?.stored).not.toContain(Buffer.from(refresh_token).toString('hex'));
  });

  test.each([
    ['no e-mail', { password }],
    ['an e-mail without a domain', { email: 'ada', password }],
    ['an e-mail of 255 characters', { email: `${'a'.repeat(243)}@example.com`, password }],
    ['an e-mail that is not a string', { email: 7, password }],
    ['a password of 7 bytes', { email: 'x@example.com', password: 'sevenby' }],
    ['a password of 73 bytes', { email: 'x@example.com', password: 'x'.repeat(73) }],
    [
      'a password of 25 characters with 75 bytes',
      { email: 'x@example.com', password: '票'.repeat(25) },
    ],
    ['a NUL character', { email: 'x@example.com', password: 'correct\u0000horse' }],
    ['a role', { email: 'x@example.com', password, role: 'admin' }],
    [
      '__proto__',
      '{"email":"x@example.com","password":"correct horse","__proto__":{"role":"admin"}}',
    ],
    ['an array', [1]],
    ['no body', undefined],
  ])('rejects %s with 400', async (_what, body) => {
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: 'invalid_request', status: 400 });
    expect(JSON.stringify(answer.body)).not.toContain(password);
  });

  test.each([
    ['8 bytes', 'eight by'],
    ['72 bytes', 'x'.repeat(72)],
    ['24 characters with 72 bytes', '票'.repeat(24)],
  ])('accepts a password of %s', async (_what, chosen) => {
    const email = anEmail();
    expect((await post({ email, password: chosen })).status).toBe(201);
    const login = await users.api('POST', '/users/login', { body: { email, password: chosen } });
    expect(login.status).toBe(200);
  });
});
