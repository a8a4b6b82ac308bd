import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { judge } from '../src/sessions.service.ts';
import {
  login,
  makeBarrier,
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

const logout = (token: string | undefined, refreshToken: string) =>
  users.api('POST', '/users/logout', { token, body: { refresh_token: refreshToken } });

describe('refreshing', () => {
  test('when a refresh token is used, then it gives new tokens that work', async () => {
    const first = await register(users.api);
    const second = await refresh(users.api, first.refresh_token);
    expect(second.status).toBe(200);
    expect(second.body.user).toEqual(first.user);
    expect(second.body.refresh_token).not.toBe(first.refresh_token);
    const me = await users.api('GET', '/users/me', { token: second.body.access_token });
    expect(me.status).toBe(200);
    expect((await refresh(users.api, second.body.refresh_token)).status).toBe(200);
  });

  test('when a used one comes back, then its whole family ends and other sign-ins go on', async () => {
    const { user, refresh_token } = await register(users.api);
    const other = (await login(users.api, user.email)).body;
    const next = (await refresh(users.api, refresh_token)).body;
    const again = await refresh(users.api, refresh_token);
    expect(again.status).toBe(401);
    expect(again.body.code).toBe('invalid_refresh_token');
    expect((await refresh(users.api, next.refresh_token)).status).toBe(401);
    expect((await refresh(users.api, other.refresh_token)).status).toBe(200);
  });

  test('when one is used twenty times at once at two processes, then one wins and the family ends', async () => {
    const { user, refresh_token, access_token } = await register(users.api);
    const { api } = await users.another();
    // Connections are open beforehand, or the first to get one is done before the others begin.
    await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        (n % 2 === 0 ? users.api : api)('GET', '/users/me', { token: access_token }),
      ),
    );
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => refresh(n % 2 === 0 ? users.api : api, refresh_token)),
    );
    const winners = answers.filter(({ status }) => status === 200);
    expect(winners).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(19);
    expect((await refresh(users.api, winners[0]?.body.refresh_token)).status).toBe(401);
    const live = await users.sql(
      'SELECT 1 FROM refresh_tokens WHERE user_id = $1 AND revoked_at IS NULL',
      [user.id],
    );
    expect(live).toHaveLength(0);
  });

  test('when the next one is used while the last one is reused, then nothing of the family stays alive', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { user, refresh_token } = await register(users.api);
      const next = (await refresh(users.api, refresh_token)).body;
      await Promise.all([
        refresh(users.api, next.refresh_token),
        refresh(users.api, refresh_token),
      ]);
      const live = await users.sql(
        'SELECT 1 FROM refresh_tokens WHERE user_id = $1 AND revoked_at IS NULL',
        [user.id],
      );
      expect(live).toHaveLength(0);
    }
  });

  test('when two look at it without a lock, then both find it fresh (the control)', async () => {
    const { user } = await register(users.api);
    const bothLooked = makeBarrier(2);
    const useUnlocked = () =>
      users.owner.transaction(async (tx) => {
        const fresh = await tx.query(
          'SELECT 1 FROM refresh_tokens WHERE user_id = $1 AND used_at IS NULL',
          [user.id],
        );
        await bothLooked();
        await tx.query('UPDATE refresh_tokens SET used_at = now() WHERE user_id = $1', [user.id]);
        return fresh.length;
      });
    expect(await Promise.all([useUnlocked(), useUnlocked()])).toEqual([1, 1]);
  });

  test('when it has expired, is unknown or malformed, then it is refused', async () => {
    const { user, refresh_token } = await register(users.api);
    await users.sql(
      `UPDATE refresh_tokens SET expires_at = now() - interval '1 s' WHERE user_id = $1`,
      [user.id],
    );
    expect((await refresh(users.api, refresh_token)).status).toBe(401);
    expect((await refresh(users.api, 'a'.repeat(43))).status).toBe(401);
    expect((await refresh(users.api, 'not a token')).status).toBe(400);
  });

  test('when nobody acts on a token, then it lives for the days configured', async () => {
    const { user } = await register(users.api);
    const [row] = await users.sql<{ days: number }>(
      `SELECT round(extract(epoch FROM expires_at - created_at) / 86400)::int AS days
         FROM refresh_tokens WHERE user_id = $1`,
      [user.id],
    );
    expect(row?.days).toBe(30);
  });
});

describe('the verdict on a refresh token', () => {
  test('when a token is anything but fresh, then it never rotates, and a used one of a live family is reuse', () => {
    const anyToken = fc.record({
      id: fc.constant(1),
      familyId: fc.constant('f'),
      userId: fc.constant(1),
      isUsed: fc.boolean(),
      isRevoked: fc.boolean(),
      isExpired: fc.boolean(),
    });
    fc.assert(
      fc.property(anyToken, (token) => {
        const { isUsed, isRevoked, isExpired } = token;
        const verdict = judge(token);
        expect(verdict === 'rotate').toBe(!isUsed && !isRevoked && !isExpired);
        expect(verdict === 'reused').toBe(isUsed && !isRevoked);
      }),
    );
    expect(judge(undefined)).toBe('refuse');
  });
});

describe('signing out', () => {
  test('when I sign out, then this sign-in ends and another of mine goes on', async () => {
    const { user, access_token, refresh_token } = await register(users.api);
    const other = (await login(users.api, user.email)).body;
    const answer = await logout(access_token, refresh_token);
    expect(answer.status).toBe(204);
    expect(answer.body).toBe('');
    expect((await refresh(users.api, refresh_token)).status).toBe(401);
    expect((await refresh(users.api, other.refresh_token)).status).toBe(200);
    expect((await logout(access_token, refresh_token)).status).toBe(204);
  });

  test("when the token is someone else's, then nothing ends and the answer tells nothing", async () => {
    const mine = await register(users.api);
    const theirs = await register(users.api);
    expect((await logout(mine.access_token, theirs.refresh_token)).status).toBe(204);
    expect((await refresh(users.api, theirs.refresh_token)).status).toBe(200);
  });

  test('when nobody is signed in, then it is 401', async () => {
    const { refresh_token } = await register(users.api);
    expect((await logout(undefined, refresh_token)).status).toBe(401);
  });
});
