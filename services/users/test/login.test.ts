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
      hash: (given, cost) => {
        hashed += 1;
        return bcrypt.hash(given, cost);
      },
      compare: async (given, hash) => {
        compared.push(hash);
        const same = await bcrypt.compare(given, hash);
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

describe('signing in', () => {
  test('when e-mail and password are right, then the answer is 200 in any case of the e-mail', async () => {
    const { user } = await register(users.api, 'Grace@Example.com');
    const { status, body } = await login(users.api, 'gRACE@example.COM');
    expect(status).toBe(200);
    expect(body.user).toEqual(user);
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 900 });
    const me = await users.api('GET', '/users/me', { token: body.access_token });
    expect(me.status).toBe(200);
  });

  test('when the e-mail is unknown or the password wrong, then answer and work are the same', async () => {
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
    ['too short to be one', 'x'],
    ['too long to be one', 'x'.repeat(500)],
  ])('when the password is %s, then it is 401 after the same work', async (_what, given) => {
    const { user } = await register(users.api);
    expect((await login(users.api, user.email, given)).status).toBe(401);
    expect(compared).toHaveLength(1);
  });

  test('when a longer password begins like the right one of 72 bytes, then it is 401', async () => {
    const email = anEmail();
    await users.api('POST', '/users/register', { body: { email, password: 'x'.repeat(72) } });
    expect((await login(users.api, email, 'x'.repeat(73))).status).toBe(401);
    expect((await login(users.api, email, 'x'.repeat(72))).status).toBe(200);
  });

  test('when a hash came from elsewhere, of another cost and as $2y$, then it signs in and is hashed anew', async () => {
    const { user } = await register(users.api);
    const foreign = (await bcrypt.hash(password, 4)).replace('$2b$', '$2y$');
    await users.sql('UPDATE users SET password_hash = $2 WHERE id = $1', [user.id, foreign]);
    expect((await login(users.api, user.email)).status).toBe(200);
    const [row] = await users.sql<{ password_hash: string }>(
      'SELECT password_hash FROM users WHERE id = $1',
      [user.id],
    );
    expect(row?.password_hash).toMatch(/^\$2b\$05\$/);
    expect((await login(users.api, user.email)).status).toBe(200);
  });

  test('when the account is deleted between the comparison and the sign-in, then it is 401', async () => {
    const { user, access_token } = await register(users.api);
    beforeCompare = () => users.api('DELETE', '/users/me', { token: access_token });
    expect((await login(users.api, user.email)).status).toBe(401);
    const live = await users.sql(
      'SELECT 1 FROM refresh_tokens WHERE user_id = $1 AND revoked_at IS NULL',
      [user.id],
    );
    expect(live).toHaveLength(0);
  });

  test('when the password is changed between the comparison and the sign-in, then it is 401', async () => {
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
  ])('when the body has %s, then it is 400', async (_what, body) => {
    expect((await users.api('POST', '/users/login', { body })).status).toBe(400);
    expect(compared).toHaveLength(0);
  });
});

describe('too many at once', () => {
  test('when the queue of passwords is full, then the answer is 503 with Retry-After and no failure is counted', async () => {
    const { user } = await register(users.api);
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    beforeCompare = () => held;
    const others = Array.from({ length: 202 }, () => login(users.api, anEmail(), 'a wrong one'));
    const waiting = () => users.registry.getSingleMetricAsString('users_password_queue_waiting');
    while (!(await waiting()).endsWith(' 200')) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    const refused = await login(users.api, user.email);
    expect(refused.status).toBe(503);
    expect(refused.body.code).toBe('overloaded');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    release();
    expect(new Set((await Promise.all(others)).map(({ status }) => status))).toEqual(
      new Set([401]),
    );
    const [row] = await users.sql<{ failures: number }>(
      'SELECT failures FROM sign_in_failures WHERE failures = 0',
    );
    expect(row?.failures).toBe(0);
  });
});
