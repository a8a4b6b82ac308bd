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

describe('changing a role', () => {
  test('takes effect with the next refresh of the access token', async () => {
    const { user, refresh_token, access_token } = await register(users.api);
    const answer = await setRole(user.id, { role: 'staff' });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ user: { ...user, role: 'staff' } });
    expect((await users.api('GET', '/users', { token: access_token })).status).toBe(403);
    expect((await refresh(users.api, refresh_token)).body.user.role).toBe('staff');
  });

  test('rejects the demotion of the last admin with 409', async () => {
    expect((await setRole(admin.user.id, { role: 'staff' })).body.code).toBe('last_admin');
    const other = await register(users.api);
    await setRole(other.user.id, { role: 'admin' });
    const otherToken = (await refresh(users.api, other.refresh_token)).body.access_token;
    expect((await setRole(admin.user.id, { role: 'customer' })).status).toBe(200);
    // The access token still has the role admin for minutes: it must not undo the demotion, nor read.
    expect((await setRole(admin.user.id, { role: 'admin' })).status).toBe(403);
    expect((await users.api('GET', '/users', { token: admin.access_token })).status).toBe(403);
    expect((await setRole(admin.user.id, { role: 'admin' }, otherToken)).status).toBe(200);
    expect((await setRole(other.user.id, { role: 'customer' }, otherToken)).status).toBe(200);
  });

  test('of two admins who demote each other at the same time one remains', async () => {
    for (let round = 0; round < 5; round += 1) {
      const other = await anAdmin(users);
      const answers = await Promise.all([
        setRole(admin.user.id, { role: 'staff' }, other.access_token),
        setRole(other.user.id, { role: 'staff' }),
      ]);
      // The second request comes from a user who is not an admin any more.
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 403]);
      await users.sql(`UPDATE users SET role = 'staff' WHERE id = $1`, [other.user.id]);
      await users.sql(`UPDATE users SET role = 'admin' WHERE id = $1`, [admin.user.id]);
    }
  });

  test.each([
    ['an unknown id', 999_999, { role: 'staff' }, 404],
    ['a malformed id', 'abc', { role: 'staff' }, 400],
    ['an id past 2^53', '9007199254740993', { role: 'staff' }, 400],
    ['an unknown role', 1, { role: 'owner' }, 400],
    ['another field', 1, { role: 'staff', email: 'x@example.com' }, 400],
    ['no role', 1, {}, 400],
  ])('rejects %s', async (_what, id, body, status) => {
    expect((await setRole(id, body)).status).toBe(status);
  });

  test('rejects a deleted user with 404', async () => {
    const { user, access_token } = await register(users.api);
    await users.api('DELETE', '/users/me', { token: access_token });
    expect((await setRole(user.id, { role: 'staff' })).status).toBe(404);
  });

  test('rejects a customer with 403 before the body is validated', async () => {
    const { access_token } = await register(users.api);
    expect((await setRole('abc', 'not json', access_token)).status).toBe(403);
  });
});

describe('listing users', () => {
  test('pages hold every active user once in the order of ids', async () => {
    const deleted = await register(users.api);
    await Promise.all(Array.from({ length: 6 }, () => register(users.api)));
    await users.api('DELETE', '/users/me', { token: deleted.access_token });
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
    const active = await users.sql<{ id: number }>(
      'SELECT id FROM users WHERE deleted_at IS NULL ORDER BY id',
    );
    expect(seen).toEqual(active.map(({ id }) => id));
    expect(seen).not.toContain(deleted.user.id);
  });

  test('staff can list users, customers cannot', async () => {
    const { user, refresh_token, access_token } = await register(users.api);
    expect((await users.api('GET', '/users', { token: access_token })).status).toBe(403);
    await setRole(user.id, { role: 'staff' });
    const { body } = await refresh(users.api, refresh_token);
    expect((await users.api('GET', '/users', { token: body.access_token })).status).toBe(200);
    expect((await setRole(user.id, { role: 'admin' }, body.access_token)).status).toBe(403);
  });

  test('the filter email finds one user, compared without case', async () => {
    const { user } = await register(users.api, 'Grace+Filter@bücher.example');
    const list = async (email: string) =>
      users.api('GET', `/users?email=${encodeURIComponent(email)}`, { token: admin.access_token });
    for (const email of ['grace+filter@BÜCHER.example', 'grace+filter@xn--bcher-kva.example']) {
      expect((await list(email)).body).toEqual({ users: [user], next_cursor: null });
    }
    expect((await list('nobody@example.com')).body.users).toEqual([]);
  });

  test.each(['limit=0', 'limit=201', 'limit=x', 'cursor=zzz', 'role=admin', 'email=ada'])(
    'rejects the query %s with 400',
    async (query) => {
      const answer = await users.api('GET', `/users?${query}`, { token: admin.access_token });
      expect(answer.status).toBe(400);
    },
  );
});

describe('the first admin', () => {
  test('several processes at the same time create it once, with a generated password that signs in', async () => {
    const email = anEmail();
    const outcomes = await Promise.all(
      Array.from({ length: 5 }, () => users.service.ensureAdmin({ email, password: undefined })),
    );
    const created = outcomes.filter((outcome) => outcome.kind === 'created');
    expect(created).toHaveLength(1);
    const answer = await login(users.api, email, created[0]?.generatedPassword);
    expect(answer.body.user.role).toBe('admin');
  });

  test('an existing user is not changed', async () => {
    const { user } = await register(users.api);
    const outcome = await users.service.ensureAdmin({
      email: user.email.toUpperCase(),
      password: 'x'.repeat(9),
    });
    expect(outcome).toEqual({ kind: 'exists', role: 'customer' });
    expect((await login(users.api, user.email)).body.user.role).toBe('customer');
  });

  test('a configured password signs in and none is generated', async () => {
    const email = anEmail();
    const outcome = await users.service.ensureAdmin({ email, password: 'configured password' });
    expect(outcome).toEqual({ kind: 'created', generatedPassword: undefined });
    expect((await login(users.api, email, 'configured password')).status).toBe(200);
  });
});
