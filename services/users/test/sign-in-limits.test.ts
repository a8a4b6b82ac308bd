import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeDatabase } from '@movie-ticketing/kit/database';
import { silentLogger } from '@movie-ticketing/kit/testing/api';
import bcrypt from 'bcrypt';

import { maximumFailures, secondsToWait } from '../src/sign-in/sign-in-limits.ts';
import { networkHash, pairHash } from '../src/sign-in/subjects.ts';
import { pruneExpiredRows } from '../src/users.workers.ts';
import {
  anEmail,
  login,
  password,
  register,
  startUsers,
  type UsersFixture,
} from './users.fixture.ts';

const { pair: maximumOfPair, network: maximumOfNetwork } = maximumFailures;

let networks = 0;

/** An address in a network that no other test of the file uses. */
const anAddress = (): string => `203.0.113.${String((networks += 1))}`;

let users: UsersFixture;
let compares = 0;
beforeAll(async () => {
  users = await startUsers({
    bcrypt: {
      hash: bcrypt.hash,
      compare: (plain, hash) => {
        compares += 1;
        return bcrypt.compare(plain, hash);
      },
    },
  });
});
afterAll(() => users.stop());

const loginFrom = (address: string, email: string, entered: string, api = users.api) =>
  api('POST', '/users/login', {
    body: { email, password: entered },
    headers: { 'X-Forwarded-For': address },
  });

const guesses = async (address: string, email: string, count: number, apis = [users.api]) => {
  const answers = await Promise.all(
    Array.from({ length: count }, (_, n) =>
      loginFrom(address, email, `wrong guess ${String(n)}`, apis[n % apis.length]),
    ),
  );
  return answers.map(({ status }) => status);
};

const count = (statuses: readonly number[], status: number): number =>
  statuses.filter((one) => one === status).length;

describe('subjects', () => {
  test('an e-mail address in any case is the same subject, another network is not', () => {
    expect(pairHash('Ada@Example.com', '::1')).toEqual(pairHash('ada@example.com', '::1'));
    expect(pairHash('ada@example.com', '1.2.3.4')).not.toEqual(
      pairHash('ada@example.com', '1.2.3.5'),
    );
  });

  test('the tables hold neither e-mail nor IP addresses', async () => {
    const address = anAddress();
    const { user } = await register(users.api);
    await guesses(address, user.email, 1);
    const [row] = await users.sql<{ stored: string }>(
      `SELECT (SELECT jsonb_agg(f)::text FROM sign_in_failures f) ||
              (SELECT jsonb_agg(k)::text FROM known_networks k) AS stored`,
    );
    for (const text of [address, user.email]) {
      expect(row?.stored).not.toContain(text);
      expect(row?.stored).not.toContain(Buffer.from(text).toString('hex'));
    }
  });
});

describe('the time to wait', () => {
  const state = (pair: number, network: number, isKnown: boolean) => ({
    failures: { pair, network },
    secondsLeft: { pair: 100, network: 700 },
    isKnown,
  });
  test.each([
    [state(9, 49, false), undefined],
    [state(10, 0, false), 100],
    [state(0, 50, false), 700],
    [state(10, 50, false), 700],
    [state(9, 5_000, true), undefined],
    [state(10, 5_000, true), 100],
  ])('for %j is %s', (found, seconds) => {
    expect(secondsToWait(found)).toBe(seconds);
  });
});

describe('failures of one user from one network', () => {
  test('of 40 guesses at the same time at two processes ten are compared, the others get 429', async () => {
    const address = anAddress();
    const { user } = await register(users.api);
    const { api } = await users.another();
    compares = 0;
    const statuses = await guesses(address, user.email, 40, [users.api, api]);
    expect(count(statuses, 401)).toBe(maximumOfPair);
    expect(count(statuses, 429)).toBe(40 - maximumOfPair);
    expect(compares).toBe(maximumOfPair);
    const right = await loginFrom(address, user.email, password);
    expect(right.status).toBe(429);
    expect(right.body.code).toBe('too_many_requests');
    expect(Number(right.headers.get('retry-after'))).toBeGreaterThan(800);
    expect(Number(right.headers.get('retry-after'))).toBeLessThanOrEqual(900);
    const metrics = await users.registry.metrics();
    expect(metrics).toMatch(/users_sign_ins_total\{outcome="limited"\} \d+/);
    expect(metrics).toMatch(/users_sign_ins_total\{outcome="wrong"\} \d+/);
    expect(metrics).toContain('users_password_queue_waiting 0');
  });

  test('an unknown e-mail address is limited like a known one', async () => {
    const statuses = await guesses(anAddress(), anEmail(), 12);
    expect(count(statuses, 401)).toBe(maximumOfPair);
    expect(count(statuses, 429)).toBe(2);
  });

  test('guesses from another address do not lock the user out', async () => {
    const { user } = await register(users.api);
    await guesses(anAddress(), user.email, 12);
    expect((await loginFrom(anAddress(), user.email, password)).status).toBe(200);
  });

  test.each([
    ['a port', '203.0.113.200:4711', '203.0.113.200:4712'],
    ['another address of the same /64', '2001:db8:7:1::1', '[2001:db8:7:1:ffff::2]:80'],
    ['the IPv4-mapped form', '203.0.113.201', '::ffff:203.0.113.201'],
  ])('%s does not begin a new count', async (_what, one, other) => {
    const { user } = await register(users.api);
    expect(count(await guesses(one, user.email, 10), 401)).toBe(10);
    expect((await loginFrom(other, user.email, password)).status).toBe(429);
  });

  test('the count begins again after the window', async () => {
    const address = anAddress();
    const { user } = await register(users.api);
    await guesses(address, user.email, 11);
    expect((await loginFrom(address, user.email, password)).status).toBe(429);
    await users.sql(`UPDATE sign_in_failures SET window_ends = now() - interval '1 second'`);
    expect((await loginFrom(address, user.email, password)).status).toBe(200);
  });

  test('a right password begins the count again and leaves no row', async () => {
    const address = anAddress();
    const { user } = await register(users.api);
    for (let round = 0; round < 3; round += 1) {
      expect(count(await guesses(address, user.email, 9), 401)).toBe(9);
      expect((await loginFrom(address, user.email, password)).status).toBe(200);
    }
    const pairs = await users.sql('SELECT 1 FROM sign_in_failures WHERE subject = $1', [
      pairHash(user.email, address),
    ]);
    expect(pairs).toHaveLength(0);
  });

  test('wrong current passwords of a password change count too', async () => {
    const { user, access_token } = await register(users.api);
    const guess = () =>
      users.api('POST', '/users/me/password', {
        token: access_token,
        body: { current_password: 'a wrong one', new_password: 'something else' },
      });
    const statuses = (await Promise.all(Array.from({ length: 12 }, guess))).map((a) => a.status);
    expect(count(statuses, 401)).toBe(maximumOfPair);
    expect(count(statuses, 429)).toBe(2);
    expect((await login(users.api, user.email)).status).toBe(429);
  });
});

describe('failures from one network', () => {
  /** One wrong password for each of so many e-mail addresses, at the same time. */
  const spray = async (address: string, size: number): Promise<number[]> => {
    const answers = await Promise.all(
      Array.from({ length: size }, () => loginFrom(address, anEmail(), 'a wrong one')),
    );
    return answers.map(({ status }) => status);
  };

  test('60 users with one wrong password each: 50 are compared, the others get 429', async () => {
    const address = anAddress();
    compares = 0;
    const statuses = await spray(address, 60);
    expect(count(statuses, 401)).toBe(maximumOfNetwork);
    expect(count(statuses, 429)).toBe(10);
    expect(compares).toBe(maximumOfNetwork);
    expect((await loginFrom(address, anEmail(), 'a wrong one')).status).toBe(429);
  });

  test('users who have signed in from the network before can still sign in, others cannot', async () => {
    const address = anAddress();
    const [regular, stranger] = [await register(users.api), await register(users.api)];
    expect((await loginFrom(address, regular.user.email, password)).status).toBe(200);
    await spray(address, 60);
    expect((await loginFrom(address, regular.user.email, password)).status).toBe(200);
    expect((await loginFrom(address, stranger.user.email, password)).status).toBe(429);
    // The user's own limit still holds.
    expect(count(await guesses(address, regular.user.email, 12), 401)).toBe(maximumOfPair);
    expect((await loginFrom(address, regular.user.email, password)).status).toBe(429);
  });

  test('other networks are not affected', async () => {
    const { user } = await register(users.api);
    await spray(anAddress(), 60);
    expect((await loginFrom(anAddress(), user.email, password)).status).toBe(200);
  });

  test('60 right sign-ins at the same time all succeed and leave no count', async () => {
    const address = anAddress();
    const registered = await Promise.all(Array.from({ length: 60 }, () => register(users.api)));
    const answers = await Promise.all(
      registered.map(({ user }) => loginFrom(address, user.email, password)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const rows = await users.sql('SELECT 1 FROM sign_in_failures WHERE subject = $1', [
      networkHash(address),
    ]);
    expect(rows).toHaveLength(0);
  });

  test('600 wrong passwords at the same time do not delay a right one from another network', async () => {
    const { user } = await register(users.api);
    compares = 0;
    const flood = spray(anAddress(), 600);
    while (compares < 2) await new Promise((resolve) => setImmediate(resolve));
    const comparesBefore = compares;
    expect((await loginFrom(anAddress(), user.email, password)).status).toBe(200);
    // Its own comparison, those that ran, and those of the flood that had their turn meanwhile.
    expect(compares - comparesBefore).toBeLessThanOrEqual(maximumOfNetwork);
    const statuses = await flood;
    expect(count(statuses, 401)).toBe(maximumOfNetwork);
    expect(count(statuses, 429) + count(statuses, 503)).toBe(600 - maximumOfNetwork);
  });
});

describe('pruning', () => {
  test('deletes expired rows of every table and no others', async () => {
    const { user } = await register(users.api);
    await users.sql('DELETE FROM sign_in_failures');
    await users.sql('DELETE FROM known_networks');
    await users.sql('DELETE FROM refresh_tokens');
    const hours = 'FROM generate_series(-3, 2) n WHERE n <> 0';
    await users.sql(
      `INSERT INTO sign_in_failures
       SELECT sha256(n::text::bytea), 1, now() + n * interval '1 hour' ${hours}`,
    );
    await users.sql(
      `INSERT INTO known_networks
       SELECT $1, sha256(n::text::bytea), now() - interval '30 days' + n * interval '1 hour' ${hours}`,
      [user.id],
    );
    await users.sql(
      `INSERT INTO refresh_tokens (session_id, user_id, token_hash, expires_at)
       SELECT gen_random_uuid(), $1, sha256(n::text::bytea), now() + n * interval '1 hour' ${hours}`,
      [user.id],
    );
    await users.sql(
      `INSERT INTO password_resets (user_id, token_hash, expires_at)
       VALUES ($1, sha256('x'), now() - interval '1 s')`,
      [user.id],
    );
    await users.sql(
      `INSERT INTO security_events (event, user_id, occurred_at)
       SELECT 'password_changed', $1, now() - interval '365 days' + n * interval '1 hour' ${hours}`,
      [user.id],
    );
    const db = makeDatabase({
      url: users.databaseUrl,
      role: 'mt_users',
      poolSize: 2,
      logger: silentLogger,
      applicationName: 'test',
    });
    expect(await pruneExpiredRows(db)).toBe(false);
    await db.close();
    const [left] = await users.sql(
      `SELECT (SELECT count(*)::int FROM sign_in_failures) AS failures,
              (SELECT count(*)::int FROM known_networks) AS networks,
              (SELECT count(*)::int FROM refresh_tokens) AS tokens,
              (SELECT count(*)::int FROM password_resets) AS resets,
              (SELECT count(*)::int FROM security_events WHERE user_id = $1) AS events`,
      [user.id],
    );
    expect(left).toEqual({ failures: 2, networks: 2, tokens: 2, resets: 0, events: 2 });
  });
});

describe('without sign-in limits', () => {
  test('RATE_LIMITS=off compares every guess (control)', async () => {
    const unlimited = await startUsers({ env: { RATE_LIMITS: 'off' } });
    const { user } = await register(unlimited.api);
    const wrong = Array.from({ length: 60 }, () => login(unlimited.api, user.email, 'wrong one'));
    const statuses = (await Promise.all(wrong)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([401]));
    expect((await login(unlimited.api, user.email, password)).status).toBe(200);
    await unlimited.stop();
  });
});
