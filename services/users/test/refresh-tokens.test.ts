import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { decideRefresh } from '../src/sessions/sessions.service.ts';
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

describe('refresh', () => {
  test('a refresh token is exchanged for tokens that work', async () => {
    const first = await register(users.api);
    const second = await refresh(users.api, first.refresh_token);
    expect(second.status).toBe(200);
    expect(second.body.user).toEqual(first.user);
    expect(second.body.refresh_token).not.toBe(first.refresh_token);
    const me = await users.api('GET', '/users/me', { token: second.body.access_token });
    expect(me.status).toBe(200);
    expect((await refresh(users.api, second.body.refresh_token)).status).toBe(200);
  });

  test('a second use ends the session and no other session', async () => {
    const { user, refresh_token } = await register(users.api);
    const other = (await login(users.api, user.email)).body;
    const next = (await refresh(users.api, refresh_token)).body;
    const again = await refresh(users.api, refresh_token);
    expect(again.status).toBe(401);
    expect(again.body.code).toBe('invalid_refresh_token');
    expect((await refresh(users.api, next.refresh_token)).status).toBe(401);
    expect((await refresh(users.api, other.refresh_token)).status).toBe(200);
  });

  test('of twenty uses at the same time at two processes one succeeds, and the session ends', async () => {
    const { user, refresh_token, access_token } = await register(users.api);
    const { api } = await users.another();
    // Opens the connections first, or the first request ends before the others begin.
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

  test('a use of the next token during a reuse leaves no live token', async () => {
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

  test('without a lock two uses both find the token unused (control)', async () => {
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

  test('rejects an expired, an unknown and a malformed token', async () => {
    const { user, refresh_token } = await register(users.api);
    await users.sql(
      `UPDATE refresh_tokens SET expires_at = now() - interval '1 s' WHERE user_id = $1`,
      [user.id],
    );
    expect((await refresh(users.api, refresh_token)).status).toBe(401);
    expect((await refresh(users.api, 'a'.repeat(43))).status).toBe(401);
    expect((await refresh(users.api, 'not a token')).status).toBe(400);
  });

  test('a token is valid for the configured days', async () => {
    const { user } = await register(users.api);
    const [row] = await users.sql<{ days: number }>(
      `SELECT round(extract(epoch FROM expires_at - created_at) / 86400)::int AS days
         FROM refresh_tokens WHERE user_id = $1`,
      [user.id],
    );
    expect(row?.days).toBe(30);
  });
});

describe('the decision on a refresh token', () => {
  test('only an unused, live token rotates; a used one of a live session is reuse', () => {
    const anyToken = fc.record({
      id: fc.constant(1),
      sessionId: fc.constant('f'),
      userId: fc.constant(1),
      isUsed: fc.boolean(),
      isRevoked: fc.boolean(),
      isExpired: fc.boolean(),
    });
    fc.assert(
      fc.property(anyToken, (token) => {
        const { isUsed, isRevoked, isExpired } = token;
        const decision = decideRefresh(token);
        expect(decision === 'rotate').toBe(!isUsed && !isRevoked && !isExpired);
        expect(decision === 'reused').toBe(isUsed && !isRevoked);
      }),
    );
    expect(decideRefresh(undefined)).toBe('refuse');
  });
});

describe('logout', () => {
  test('logout ends this session and no other session of the user', async () => {
    const { user, access_token, refresh_token } = await register(users.api);
    const other = (await login(users.api, user.email)).body;
    const answer = await logout(access_token, refresh_token);
    expect(answer.status).toBe(204);
    expect(answer.body).toBe('');
    expect((await refresh(users.api, refresh_token)).status).toBe(401);
    expect((await refresh(users.api, other.refresh_token)).status).toBe(200);
    expect((await logout(access_token, refresh_token)).status).toBe(204);
  });

  test("another user's token ends no session and the response does not reveal it", async () => {
    const mine = await register(users.api);
    const theirs = await register(users.api);
    expect((await logout(mine.access_token, theirs.refresh_token)).status).toBe(204);
    expect((await refresh(users.api, theirs.refresh_token)).status).toBe(200);
  });

  test('rejects a logout without an access token with 401', async () => {
    const { refresh_token } = await register(users.api);
    expect((await logout(undefined, refresh_token)).status).toBe(401);
  });
});
