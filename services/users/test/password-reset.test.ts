import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import bcrypt from 'bcrypt';

import {
  anAdmin,
  login,
  password,
  refresh,
  register,
  startUsers,
  type SignedInBody,
  type UsersFixture,
} from './users.fixture.ts';

let users: UsersFixture;
let admin: SignedInBody;
let hashed = 0;
beforeAll(async () => {
  users = await startUsers({
    bcrypt: {
      hash: (plain, cost) => {
        hashed += 1;
        return bcrypt.hash(plain, cost);
      },
      compare: bcrypt.compare,
    },
  });
  admin = await anAdmin(users);
});
afterAll(() => users.stop());

const createReset = (id: number | string, token = admin.access_token) =>
  users.api('POST', `/users/${String(id)}/password-reset`, { token });

const tokenFor = async (id: number): Promise<string> => {
  const { status, body } = await createReset(id);
  expect(status).toBe(201);
  return (body as { password_reset: { token: string } }).password_reset.token;
};

const use = (token: string, chosen = 'the new password') =>
  users.api('POST', '/users/password', { body: { token, password: chosen } });

describe('creating a password reset', () => {
  test('returns a token that is stored as a hash and expires after 60 minutes', async () => {
    const { user } = await register(users.api);
    const { status, headers, body } = await createReset(user.id);
    expect(status).toBe(201);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({
      password_reset: {
        user_id: user.id,
        token: expect.stringMatching(/^[\w-]{43}$/),
        expires_at: expect.any(String),
      },
    });
    const { token, expires_at } = body.password_reset;
    expect(Date.parse(expires_at) - Date.now()).toBeGreaterThan(59 * 60_000);
    expect(Date.parse(expires_at) - Date.now()).toBeLessThanOrEqual(60 * 60_000);
    const [row] = await users.sql<{ stored: string }>(
      'SELECT to_jsonb(r)::text AS stored FROM password_resets r WHERE user_id = $1',
      [user.id],
    );
    expect(row?.stored).not.toContain(token);
    expect(row?.stored).not.toContain(Buffer.from(token).toString('hex'));
  });

  test('changes neither the password nor the sessions until it is used', async () => {
    const { user, refresh_token } = await register(users.api);
    await tokenFor(user.id);
    expect((await login(users.api, user.email)).status).toBe(200);
    expect((await refresh(users.api, refresh_token)).status).toBe(200);
  });

  test('is for admins only', async () => {
    const { user, access_token, refresh_token } = await register(users.api);
    expect((await createReset(user.id, access_token)).status).toBe(403);
    await users.sql(`UPDATE users SET role = 'staff' WHERE id = $1`, [user.id]);
    const staff = (await refresh(users.api, refresh_token)).body as SignedInBody;
    expect((await createReset(user.id, staff.access_token)).status).toBe(403);
  });

  test('rejects a former admin whose access token still has the role', async () => {
    const former = await anAdmin(users);
    await users.sql(`UPDATE users SET role = 'customer' WHERE id = $1`, [former.user.id]);
    expect((await createReset(admin.user.id, former.access_token)).status).toBe(403);
  });

  test('rejects an unknown and a deleted user with 404 and a malformed id with 400', async () => {
    const { user, access_token } = await register(users.api);
    await users.api('DELETE', '/users/me', { token: access_token });
    expect((await createReset(user.id)).status).toBe(404);
    expect((await createReset(999_999)).status).toBe(404);
    expect((await createReset('abc')).status).toBe(400);
  });
});

describe('setting a password with a reset token', () => {
  test('sets the password once and ends every session', async () => {
    const { user, refresh_token } = await register(users.api);
    const other = (await login(users.api, user.email)).body as SignedInBody;
    const token = await tokenFor(user.id);
    expect((await use(token)).status).toBe(204);
    expect((await refresh(users.api, refresh_token)).status).toBe(401);
    expect((await refresh(users.api, other.refresh_token)).status).toBe(401);
    expect((await login(users.api, user.email)).status).toBe(401);
    expect((await login(users.api, user.email, 'the new password')).status).toBe(200);
    const again = await use(token, 'yet another one');
    expect(again.status).toBe(401);
    expect(again.body.code).toBe('invalid_reset_token');
    expect((await login(users.api, user.email, 'the new password')).status).toBe(200);
  });

  test('of ten uses at the same time one succeeds', async () => {
    const { user } = await register(users.api);
    const token = await tokenFor(user.id);
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) => use(token, `password ${String(n)}`)),
    );
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(9);
    const winner = answers.findIndex(({ status }) => status === 204);
    expect((await login(users.api, user.email, `password ${String(winner)}`)).status).toBe(200);
  });

  test('rejects an expired, a replaced and an unknown token without hashing a password', async () => {
    const { user } = await register(users.api);
    const replaced = await tokenFor(user.id);
    const expired = await tokenFor(user.id);
    await users.sql(`UPDATE password_resets SET expires_at = now() WHERE user_id = $1`, [user.id]);
    hashed = 0;
    for (const token of [expired, replaced, 'a'.repeat(43)]) {
      expect((await use(token)).body.code).toBe('invalid_reset_token');
    }
    expect(hashed).toBe(0);
    expect((await login(users.api, user.email)).status).toBe(200);
  });

  test.each([
    ['a change of the password', 'POST', '/users/me/password'],
    ['the deletion of the user', 'DELETE', '/users/me'],
  ])('%s ends the token', async (_what, method, path) => {
    const { user, access_token } = await register(users.api);
    const token = await tokenFor(user.id);
    const body = { current_password: password, new_password: 'chosen by myself' };
    await users.api(method, path, {
      token: access_token,
      ...(method === 'POST' ? { body } : {}),
    });
    expect((await use(token)).body.code).toBe('invalid_reset_token');
  });

  test('a user who is limited at this network can sign in after the reset', async () => {
    const { user } = await register(users.api);
    await Promise.all(Array.from({ length: 11 }, () => login(users.api, user.email, 'wrong one')));
    expect((await login(users.api, user.email)).status).toBe(429);
    await use(await tokenFor(user.id));
    expect((await login(users.api, user.email, 'the new password')).status).toBe(200);
  });

  test.each([
    ['a short password', { token: 'a'.repeat(43), password: 'short' }],
    ['no token', { password: 'the new password' }],
    ['a malformed token', { token: 'a b', password: 'the new password' }],
    ['an unknown field', { token: 'a'.repeat(43), password: 'the new password', id: 1 }],
  ])('rejects %s with 400', async (_what, body) => {
    expect((await users.api('POST', '/users/password', { body })).status).toBe(400);
  });
});
