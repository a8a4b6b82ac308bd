import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import bcrypt from 'bcrypt';

import {
  anEmail,
  login,
  password,
  register,
  startUsers,
  type UsersFixture,
} from './users.fixture.ts';

let users: UsersFixture;
let compared: string[] = [];
let hashed = 0;
let beforeCompare: () => Promise<unknown> = () => Promise.resolve();
beforeAll(async () => {
  users = await startUsers({
    env: { BCRYPT_COST: '5' },
    bcrypt: {
      hash: (plain, cost) => {
        hashed += 1;
        return bcrypt.hash(plain, cost);
      },
      compare: async (plain, hash) => {
        compared.push(hash);
        const same = await bcrypt.compare(plain, hash);
        await beforeCompare();
        return same;
      },
    },
  });
});
afterAll(() => users.stop());
beforeEach(() => {
  compared = [];
  hashed = 0;
  beforeCompare = () => Promise.resolve();
});

describe('login', () => {
  test('signs in with the e-mail address in any case', async () => {
    const { user } = await register(users.api, 'Grace@Example.com');
    const { status, body } = await login(users.api, 'gRACE@example.COM');
    expect(status).toBe(200);
    expect(body.user).toEqual(user);
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 900 });
    const me = await users.api('GET', '/users/me', { token: body.access_token });
    expect(me.status).toBe(200);
  });

  test('an unknown e-mail address and a wrong password get the same response after the same work', async () => {
    const { user } = await register(users.api);
    hashed = 0;
    const wrong = await login(users.api, user.email, 'not the password');
    const unknown = await login(users.api, anEmail(), 'not the password');
    expect(wrong.status).toBe(401);
    expect(unknown.status).toBe(401);
    expect({ ...unknown.body, instance: '' }).toEqual({ ...wrong.body, instance: '' });
    expect(unknown.body.code).toBe('invalid_credentials');
    expect(compared).toHaveLength(2);
    expect(compared.map((hash) => hash.slice(0, 7))).toEqual(['$2b$05$', '$2b$05$']);
    expect(hashed).toBe(0);
  });

  test.each([
    ['too short to be set', 'x'],
    ['too long to be set', 'x'.repeat(500)],
  ])('rejects a password that is %s with 401 after the same work', async (_what, entered) => {
    const { user } = await register(users.api);
    expect((await login(users.api, user.email, entered)).status).toBe(401);
    expect(compared).toHaveLength(1);
  });

  test('rejects a longer password that begins with the right one of 72 bytes', async () => {
    const email = anEmail();
    await users.api('POST', '/users/register', { body: { email, password: 'x'.repeat(72) } });
    expect((await login(users.api, email, 'x'.repeat(73))).status).toBe(401);
    expect((await login(users.api, email, 'x'.repeat(72))).status).toBe(200);
  });

  test('an imported hash of another cost, written as $2y$, signs in and is replaced', async () => {
    const { user } = await register(users.api);
    const imported = (await bcrypt.hash(password, 4)).replace('$2b$', '$2y$');
    await users.sql('UPDATE users SET password_hash = $2 WHERE id = $1', [user.id, imported]);
    expect((await login(users.api, user.email)).status).toBe(200);
    const [row] = await users.sql<{ password_hash: string }>(
      'SELECT password_hash FROM users WHERE id = $1',
      [user.id],
    );
    expect(row?.password_hash).toMatch(/^\$2b\$05\$/);
    expect((await login(users.api, user.email)).status).toBe(200);
  });

  test('rejects a user who was deleted after the comparison', async () => {
    const { user, access_token } = await register(users.api);
    beforeCompare = () => users.api('DELETE', '/users/me', { token: access_token });
    expect((await login(users.api, user.email)).status).toBe(401);
    const live = await users.sql(
      'SELECT 1 FROM refresh_tokens WHERE user_id = $1 AND revoked_at IS NULL',
      [user.id],
    );
    expect(live).toHaveLength(0);
  });

  test('rejects a password that was changed after the comparison', async () => {
    const { user } = await register(users.api);
    const other = await bcrypt.hash('another password', 5);
    beforeCompare = () =>
      users.sql('UPDATE users SET password_hash = $2 WHERE id = $1', [user.id, other]);
    expect((await login(users.api, user.email)).status).toBe(401);
  });

  test.each([
    ['an unknown field', { email: 'a@example.com', password, remember: true }],
    ['no password', { email: 'a@example.com' }],
    ['a malformed e-mail', { email: 'a@', password }],
  ])('rejects %s with 400', async (_what, body) => {
    expect((await users.api('POST', '/users/login', { body })).status).toBe(400);
    expect(compared).toHaveLength(0);
  });
});

describe('a full password queue', () => {
  test('refuses with 503 and Retry-After and counts no failure', async () => {
    const held = Promise.withResolvers<undefined>();
    beforeCompare = () => held.promise;
    const from = (network: number, body: object) =>
      users.api('POST', '/users/login', {
        body,
        headers: { 'X-Forwarded-For': `198.51.100.${String(network)}` },
      });
    // Every network has one request, so no other one is refused in favor of the next request.
    const others = Array.from({ length: 202 }, (_, network) =>
      from(network, { email: anEmail(), password: 'a wrong one' }),
    );
    const waiting = () => users.registry.getSingleMetricAsString('users_password_queue_waiting');
    while (!(await waiting()).endsWith(' 200')) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    const counted = async () => (await users.sql('SELECT 1 FROM sign_in_failures')).length;
    const before = await counted();
    const refused = await from(250, { email: anEmail(), password });
    expect(refused.status).toBe(503);
    expect(refused.body.code).toBe('overloaded');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(await counted()).toBe(before);
    held.resolve(undefined);
    const statuses = (await Promise.all(others)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([401]));
  });
});
