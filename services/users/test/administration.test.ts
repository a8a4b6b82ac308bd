import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import {
  anAdmin,
  anEmail,
  login,
  refresh,
  register,
  startUsers,
  type SignedInBody,
  type UsersFixture,
} from './users.fixture.ts';

let users: UsersFixture;
let admin: SignedInBody;
beforeAll(async () => {
  users = await startUsers();
  admin = await anAdmin(users);
});
afterAll(() => users.stop());

const setRole = (id: number | string, body: unknown, token = admin.access_token) =>
  users.api('PATCH', `/users/${String(id)}`, { token, body });

describe('changing roles', () => {
  test('when a customer is made staff, then their next refresh says so', async () => {
    const { user, refresh_token, access_token } = await register(users.api);
    const answer = await setRole(user.id, { role: 'staff' });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ user: { ...user, role: 'staff' } });
    expect((await users.api('GET', '/users', { token: access_token })).status).toBe(403);
    expect((await refresh(users.api, refresh_token)).body.user.role).toBe('staff');
  });

  test('when the last administrator is demoted, then it is 409, and fine once there is another', async () => {
    expect((await setRole(admin.user.id, { role: 'staff' })).body.code).toBe('last_admin');
    const other = await register(users.api);
    await setRole(other.user.id, { role: 'admin' });
    const otherToken = (await refresh(users.api, other.refresh_token)).body.access_token;
    expect((await setRole(admin.user.id, { role: 'staff' })).status).toBe(200);
    // Their token still says admin for minutes: it must not undo the demotion, nor read.
    expect((await setRole(admin.user.id, { role: 'admin' })).status).toBe(403);
    expect((await users.api('GET', '/users', { token: admin.access_token })).status).toBe(403);
    expect((await setRole(admin.user.id, { role: 'admin' }, otherToken)).status).toBe(200);
    expect((await setRole(other.user.id, { role: 'customer' }, otherToken)).status).toBe(200);
  });

  test('when two administrators demote each other at once, then one stays', async () => {
    for (let round = 0; round < 5; round += 1) {
      const other = await anAdmin(users);
      const answers = await Promise.all([
        setRole(admin.user.id, { role: 'staff' }, other.access_token),
        setRole(other.user.id, { role: 'staff' }),
      ]);
      // The one who came second is no administrator any more.
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 403]);
      await users.sql(`UPDATE users SET role = 'staff' WHERE id = $1`, [other.user.id]);
      await users.sql(`UPDATE users SET role = 'admin' WHERE id = $1`, [admin.user.id]);
    }
  });

  test.each([
    ['an unknown id', 999_999, { role: 'staff' }, 404],
    ['no id', 'abc', { role: 'staff' }, 400],
    ['an id past 2^53', '9007199254740993', { role: 'staff' }, 400],
    ['an unknown role', 1, { role: 'owner' }, 400],
    ['another field', 1, { role: 'staff', email: 'x@example.com' }, 400],
    ['no role', 1, {}, 400],
  ])('when it is asked with %s, then it is refused', async (_what, id, body, status) => {
    expect((await setRole(id, body)).status).toBe(status);
  });

  test('when the account was deleted, then it is 404', async () => {
    const { user, access_token } = await register(users.api);
    await users.api('DELETE', '/users/me', { token: access_token });
    expect((await setRole(user.id, { role: 'staff' })).status).toBe(404);
  });

  test('when a customer asks, then it is 403 before the body is looked at', async () => {
    const { access_token } = await register(users.api);
    expect((await setRole('abc', 'not json', access_token)).status).toBe(403);
  });
});

describe('listing accounts', () => {
  test('when pages are followed, then everyone is there once, by id, the deleted left out', async () => {
    const gone = await register(users.api);
    await Promise.all(Array.from({ length: 6 }, () => register(users.api)));
    await users.api('DELETE', '/users/me', { token: gone.access_token });
    const seen: number[] = [];
    let next = '';
    do {
      const { status, body } = await users.api('GET', `/users?limit=3${next}`, {
        token: admin.access_token,
      });
      expect(status).toBe(200);
      expect(JSON.stringify(body)).not.toMatch(/password|hash/);
      seen.push(...body.users.map(({ id }: { id: number }) => id));
      next = body.next_cursor === null ? '' : `&cursor=${String(body.next_cursor)}`;
    } while (next !== '');
    const standing = await users.sql<{ id: number }>(
      'SELECT id FROM users WHERE deleted_at IS NULL ORDER BY id',
    );
    expect(seen).toEqual(standing.map(({ id }) => id));
    expect(seen).not.toContain(gone.user.id);
  });

  test.each(['limit=0', 'limit=201', 'limit=x', 'cursor=zzz', 'role=admin'])(
    'when it is asked with %s, then it is 400',
    async (query) => {
      const answer = await users.api('GET', `/users?${query}`, { token: admin.access_token });
      expect(answer.status).toBe(400);
    },
  );
});

describe('the first administrator', () => {
  test('when several processes make it at once, then it is made once, and its password printed once works', async () => {
    const email = anEmail();
    const outcomes = await Promise.all(
      Array.from({ length: 5 }, () => users.service.ensureAdmin({ email, password: undefined })),
    );
    const created = outcomes.filter((outcome) => outcome.kind === 'created');
    expect(created).toHaveLength(1);
    const answer = await login(users.api, email, created[0]?.generatedPassword);
    expect(answer.body.user.role).toBe('admin');
  });

  test('when the account is there already, then nothing of it is changed', async () => {
    const { user } = await register(users.api);
    const outcome = await users.service.ensureAdmin({
      email: user.email.toUpperCase(),
      password: 'x'.repeat(9),
    });
    expect(outcome).toEqual({ kind: 'exists', role: 'customer' });
    expect((await login(users.api, user.email)).body.user.role).toBe('customer');
  });

  test('when a password is given, then that one signs in and none is made up', async () => {
    const email = anEmail();
    const outcome = await users.service.ensureAdmin({ email, password: 'given password' });
    expect(outcome).toEqual({ kind: 'created', generatedPassword: undefined });
    expect((await login(users.api, email, 'given password')).status).toBe(200);
  });
});
