import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import bcrypt from 'bcrypt';

import { maximumFailures, networkOf, subjectOf } from '../src/sign-in-limits.ts';
import { removeExpired } from '../src/users.workers.ts';
import {
  anEmail,
  login,
  password,
  register,
  startUsers,
  type UsersFixture,
} from './users.fixture.ts';
import { makeDatabase } from '@movie-ticketing/kit/database';
import { silentLogger } from '@movie-ticketing/kit/testing/api';

describe('whom an address stands for', () => {
  test.each([
    ['203.0.113.9', '203.0.113.9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:0001:2::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['1:2:3:4:5::', '1:2:3:4::/64'],
    ['64:ff9b::203.0.113.9', '64:ff9b:0:0::/64'],
    ['unknown', 'unknown'],
  ])('when the address is %s, then it is %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  test('when an e-mail differs in case alone, then it is the same subject', () => {
    expect(subjectOf('Ada@Example.com', '::1')).toEqual(subjectOf('ada@example.com', '::2'));
    expect(subjectOf('ada@example.com', '1.2.3.4')).not.toEqual(
      subjectOf('ada@example.com', '1.2.3.5'),
    );
  });
});

describe('sign-in limits', () => {
  let users: UsersFixture;
  let compares = 0;
  beforeAll(async () => {
    users = await startUsers({
      bcrypt: {
        hash: bcrypt.hash,
        compare: (given, hash) => {
          compares += 1;
          return bcrypt.compare(given, hash);
        },
      },
    });
  });
  afterAll(() => users.stop());

  const statuses = async (email: string, count: number, apis = [users.api]) => {
    const answers = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        (apis[index % apis.length] ?? users.api)('POST', '/users/login', {
          body: { email, password: `wrong guess ${String(index)}` },
        }),
      ),
    );
    return answers.map(({ status }) => status);
  };

  test('when 40 guesses come at once at two processes, then ten are compared and the rest get 429', async () => {
    const { user } = await register(users.api);
    const { api } = await users.another();
    compares = 0;
    const found = await statuses(user.email, 40, [users.api, api]);
    expect(found.filter((status) => status === 401)).toHaveLength(maximumFailures);
    expect(found.filter((status) => status === 429)).toHaveLength(40 - maximumFailures);
    expect(compares).toBe(maximumFailures);
    const right = await login(users.api, user.email);
    expect(right.status).toBe(429);
    expect(right.body.code).toBe('too_many_requests');
    expect(Number(right.headers.get('retry-after'))).toBeGreaterThan(800);
    expect(Number(right.headers.get('retry-after'))).toBeLessThanOrEqual(900);
    const metrics = await users.registry.metrics();
    expect(metrics).toMatch(/users_sign_ins_total\{outcome="limited"\} \d+/);
    expect(metrics).toMatch(/users_sign_ins_total\{outcome="wrong"\} \d+/);
    expect(metrics).toContain('users_password_queue_waiting 0');
  });

  test('when the e-mail is unknown, then it is limited just the same', async () => {
    const found = await statuses(anEmail(), 12);
    expect(found.filter((status) => status === 401)).toHaveLength(maximumFailures);
    expect(found.filter((status) => status === 429)).toHaveLength(2);
  });

  test('when the window is over, then guesses count anew', async () => {
    const { user } = await register(users.api);
    await statuses(user.email, 11);
    expect((await login(users.api, user.email)).status).toBe(429);
    await users.sql(`UPDATE sign_in_failures SET window_ends = now() - interval '1 second'`);
    expect((await login(users.api, user.email)).status).toBe(200);
  });

  test('when a sign-in succeeds, then the count begins anew', async () => {
    const { user } = await register(users.api);
    for (let round = 0; round < 3; round += 1) {
      expect(await statuses(user.email, 9)).toEqual(Array(9).fill(401));
      expect((await login(users.api, user.email)).status).toBe(200);
    }
  });

  test('when someone at another address fails, then the person is not locked out', async () => {
    const { user } = await register(users.api);
    await users.sql(`INSERT INTO sign_in_failures VALUES ($1, 10, now() + interval '15 minutes')`, [
      subjectOf(user.email, '198.51.100.7'),
    ]);
    expect((await login(users.api, user.email)).status).toBe(200);
  });

  test('when the current password is guessed at a password change, then it counts too', async () => {
    const { user, access_token } = await register(users.api);
    const guess = () =>
      users.api('POST', '/users/me/password', {
        token: access_token,
        body: { current_password: 'a wrong one', new_password: 'something else' },
      });
    const found = await Promise.all(Array.from({ length: 12 }, guess));
    expect(found.filter(({ status }) => status === 401)).toHaveLength(maximumFailures);
    expect(found.filter(({ status }) => status === 429)).toHaveLength(2);
    expect((await login(users.api, user.email)).status).toBe(429);
  });

  test('when windows are over, then the worker removes them and no others', async () => {
    await users.sql('DELETE FROM sign_in_failures');
    await users.sql(
      `INSERT INTO sign_in_failures
       SELECT sha256(n::text::bytea), 1, now() + n * interval '1 hour' FROM generate_series(-3, 2) n WHERE n <> 0`,
    );
    const db = makeDatabase({
      url: users.databaseUrl,
      role: 'mt_users',
      poolSize: 2,
      logger: silentLogger,
      applicationName: 'test',
    });
    expect(await removeExpired(db)).toBe(false);
    await db.close();
    expect(await users.sql('SELECT 1 FROM sign_in_failures')).toHaveLength(2);
  });
});

describe('without sign-in limits', () => {
  test('when RATE_LIMITS is off, then every guess is compared (the control)', async () => {
    const users = await startUsers({ env: { RATE_LIMITS: 'off' } });
    const { user } = await register(users.api);
    const guesses = Array.from({ length: 15 }, () => login(users.api, user.email, 'wrong one'));
    expect((await Promise.all(guesses)).map(({ status }) => status)).toEqual(Array(15).fill(401));
    expect((await login(users.api, user.email, password)).status).toBe(200);
    await users.stop();
  });
});
