import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import {
  anAdmin,
  login,
  makeBarrier,
  password,
  refresh,
  register,
  startUsers,
  type UsersFixture,
} from './users.fixture.ts';

let users: UsersFixture;
beforeAll(async () => {
  users = await startUsers();
});
afterAll(() => users.stop());

const change = (token: string, current: string, next: string) =>
  users.api('POST', '/users/me/password', {
    token,
    body: { current_password: current, new_password: next },
  });

describe('changing the password', () => {
  test('ends every other session, opens a new one, and only the new password signs in', async () => {
    const { user, access_token, refresh_token } = await register(users.api);
    const other = (await login(users.api, user.email)).body;
    const changed = await change(access_token, password, 'an other horse');
    expect(changed.status).toBe(200);
    expect(changed.body.user).toEqual(user);
    expect((await refresh(users.api, refresh_token)).status).toBe(401);
    expect((await refresh(users.api, other.refresh_token)).status).toBe(401);
    expect((await refresh(users.api, changed.body.refresh_token)).status).toBe(200);
    expect((await login(users.api, user.email)).status).toBe(401);
    expect((await login(users.api, user.email, 'an other horse')).status).toBe(200);
  });

  test('rejects a wrong current password with 401 and ends no session', async () => {
    const { access_token, refresh_token } = await register(users.api);
    const answer = await change(access_token, 'a wrong one', 'an other horse');
    expect(answer.status).toBe(401);
    expect(answer.body.code).toBe('invalid_credentials');
    expect((await refresh(users.api, refresh_token)).status).toBe(200);
  });

  test('rejects a new password that is too long or too short with 400', async () => {
    const { access_token } = await register(users.api);
    expect((await change(access_token, password, 'x'.repeat(73))).status).toBe(400);
    expect((await change(access_token, password, 'short')).status).toBe(400);
  });

  test('of two changes at the same time one succeeds', async () => {
    const { user, access_token } = await register(users.api);
    const answers = await Promise.all([
      change(access_token, password, 'the first one'),
      change(access_token, password, 'the second one'),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401]);
    const winner = answers[0].status === 200 ? 'the first one' : 'the second one';
    expect((await login(users.api, user.email, winner)).status).toBe(200);
  });
});

describe('deleting the current user', () => {
  test('its tokens get 401 at once in every process, and nothing personal remains', async () => {
    const { user, access_token, refresh_token } = await register(users.api);
    const { api } = await users.another();
    // Both processes have verified the token and cached it.
    expect((await users.api('GET', '/users/me', { token: access_token })).status).toBe(200);
    expect((await api('GET', '/users/me', { token: access_token })).status).toBe(200);
    expect((await users.api('DELETE', '/users/me', { token: access_token })).status).toBe(204);
    for (const process of [users.api, api]) {
      for (const [method, path, body] of [
        ['GET', '/users/me', undefined],
        ['DELETE', '/users/me', undefined],
        ['POST', '/users/logout', { refresh_token }],
        ['POST', '/users/me/password', { current_password: password, new_password: password }],
      ] as const) {
        const answer = await process(method, path, { token: access_token, body });
        expect(answer.status).toBe(401);
        expect(answer.body.code).toBe('unauthenticated');
      }
    }
    expect((await refresh(users.api, refresh_token)).status).toBe(401);
    expect((await login(users.api, user.email)).status).toBe(401);
    const [row] = await users.sql(
      'SELECT email, canonical_email, password_hash, deleted_at FROM users WHERE id = $1',
      [user.id],
    );
    expect(row).toEqual({
      email: null,
      canonical_email: null,
      password_hash: null,
      deleted_at: expect.any(Date),
    });
    const networks = 'SELECT 1 FROM known_networks WHERE user_id = $1';
    expect(await users.sql(networks, [user.id])).toEqual([]);
  });

  test('the e-mail address can be registered again as a new user', async () => {
    const { user, access_token } = await register(users.api);
    await users.api('DELETE', '/users/me', { token: access_token });
    const second = await register(users.api, user.email);
    expect(second.user.id).not.toBe(user.id);
  });

  test('of two admins who delete themselves at the same time one remains', async () => {
    for (let round = 0; round < 5; round += 1) {
      await users.sql(`UPDATE users SET role = 'customer' WHERE role = 'admin'`);
      const pair = [await anAdmin(users), await anAdmin(users)];
      const answers = await Promise.all(
        pair.map(({ access_token }) => users.api('DELETE', '/users/me', { token: access_token })),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([204, 409]);
      expect(answers.find(({ status }) => status === 409)?.body.code).toBe('last_admin');
    }
  });

  test('without the lock both of two admins are demoted (control)', async () => {
    await users.sql(`UPDATE users SET role = 'customer' WHERE role = 'admin'`);
    const pair = [await anAdmin(users), await anAdmin(users)];
    const bothRead = makeBarrier(2);
    await Promise.all(
      pair.map(({ user }) =>
        users.owner.transaction(async (tx) => {
          const others = await tx.query(
            `SELECT 1 FROM users WHERE role = 'admin' AND deleted_at IS NULL AND id <> $1`,
            [user.id],
          );
          await bothRead();
          if (others.length === 0) return;
          await tx.query(`UPDATE users SET role = 'staff' WHERE id = $1`, [user.id]);
        }),
      ),
    );
    expect(await users.sql(`SELECT 1 FROM users WHERE role = 'admin'`)).toHaveLength(0);
  });
});
