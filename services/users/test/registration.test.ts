import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader } from 'jose';

import { anEmail, password, register, startUsers, type UsersFixture } from './users.fixture.ts';

let users: UsersFixture;
beforeAll(async () => {
  users = await startUsers();
});
afterAll(() => users.stop());

const post = (body: unknown) => users.api('POST', '/users/register', { body });

describe('registering', () => {
  test('when the e-mail is free, then the answer is 201 with the account and its tokens', async () => {
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

  test('when the token is read, then it is an EdDSA at+jwt with every claim and nothing personal', async () => {
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

  test('when twenty register one e-mail in any case at once, then one gets it and the others 409', async () => {
    const email = anEmail();
    const emails = Array.from({ length: 20 }, (_, n) =>
      n % 2 === 0 ? email : email.toUpperCase(),
    );
    const answers = await Promise.all(emails.map((given) => post({ email: given, password })));
    const taken = answers.filter(({ status }) => status === 409);
    expect(taken).toHaveLength(19);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(new Set(taken.map(({ body }) => body.code))).toEqual(new Set(['email_taken']));
    expect(JSON.stringify(taken)).not.toMatch(/users_email_key|duplicate|INSERT/);
  });

  test('when an account is kept, then neither its password nor its refresh token is in the database', async () => {
    const { user, refresh_token } = await register(users.api);
    const [row] = await users.sql<{ kept: string }>(
      `SELECT (SELECT to_jsonb(u)::text FROM users u WHERE id = $1) ||
              (SELECT jsonb_agg(t)::text FROM refresh_tokens t WHERE user_id = $1) AS kept`,
      [user.id],
    );
    expect(row?.kept).toContain('$2b$04$');
    expect(row?.kept).not.toContain(password);
    expect(row?.kept).not.toContain(refresh_token);
    expect(row?.kept).not.toContain(Buffer.from(refresh_token).toString('hex'));
  });

  test.each([
    ['no e-mail', { password }],
    ['an e-mail without a domain', { email: 'ada', password }],
    ['an e-mail of 255 characters', { email: `${'a'.repeat(243)}@example.com`, password }],
    ['an e-mail that is no string', { email: 7, password }],
    ['7 bytes', { email: 'x@example.com', password: 'sevenby' }],
    ['73 bytes', { email: 'x@example.com', password: 'x'.repeat(73) }],
    ['25 characters of 75 bytes', { email: 'x@example.com', password: '票'.repeat(25) }],
    ['a NUL byte', { email: 'x@example.com', password: 'correct\u0000horse' }],
    ['a role', { email: 'x@example.com', password, role: 'admin' }],
    [
      '__proto__',
      '{"email":"x@example.com","password":"correct horse","__proto__":{"role":"admin"}}',
    ],
    ['a list', [1]],
    ['no body', undefined],
  ])('when the body has %s, then it is refused with 400', async (_what, body) => {
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: 'invalid_request', status: 400 });
    expect(JSON.stringify(answer.body)).not.toContain(password);
  });

  test.each([
    ['8 bytes', 'eight by'],
    ['72 bytes', 'x'.repeat(72)],
    ['24 characters of 72 bytes', '票'.repeat(24)],
  ])('when the password has %s, then it is taken and signs in', async (_what, given) => {
    const email = anEmail();
    expect((await post({ email, password: given })).status).toBe(201);
    const login = await users.api('POST', '/users/login', { body: { email, password: given } });
    expect(login.status).toBe(200);
  });
});
