import { PassThrough } from 'node:stream';

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { makeLogger } from '@movie-ticketing/kit/logging';

import { makeSecurityEvents } from '../src/security-events/security-events.ts';
import {
  anAdmin,
  anEmail,
  login,
  password,
  refresh,
  register,
  startUsers,
  type SignedInBody,
  type UsersFixture,
} from './users.fixture.ts';

type Fields = Record<string, unknown>;

let users: UsersFixture;
let admin: SignedInBody;
let log = '';
const lines = new PassThrough();
lines.on('data', (chunk: Buffer) => {
  log += chunk.toString();
});
// Security events are logged at every level but silent.
const logger = makeLogger({ service: 'users', level: 'error' }, lines);
beforeAll(async () => {
  users = await startUsers({ logger });
  admin = await anAdmin(users);
});
afterAll(() => users.stop());
beforeEach(() => {
  log = '';
});

const requestId = { 'X-Request-Id': 'request-1' };

/** The logged security events of a user, without what every log line has. */
const logged = (userId: number | null): Fields[] =>
  log
    .split('\n')
    .filter((line) => line.includes('"security event"'))
    .map((line) => JSON.parse(line) as Fields)
    .filter((line) => line['user_id'] === userId)
    .map(({ level: _level, time: _time, service: _service, message: _message, ...rest }) => rest);

const stored = (userId: number): Promise<Fields[]> =>
  users.sql<Fields>(
    `SELECT event, actor_id, user_id, old_role, new_role, request_id
       FROM security_events WHERE user_id = $1 ORDER BY id`,
    [userId],
  );

const withoutRoles = { old_role: null, new_role: null };

describe('security events', () => {
  test('a role change is logged and stored with both users, both roles and the request', async () => {
    const { user } = await register(users.api);
    const change = (role: string) =>
      users.api('PATCH', `/users/${String(user.id)}`, {
        token: admin.access_token,
        body: { role },
        headers: requestId,
      });
    await change('staff');
    await change('staff'); // nothing changes
    const event = {
      event: 'role_changed',
      actor_id: admin.user.id,
      user_id: user.id,
      old_role: 'customer',
      new_role: 'staff',
      request_id: 'request-1',
    };
    expect(logged(user.id)).toEqual([event]);
    expect(await stored(user.id)).toEqual([event]);
  });

  test('a deletion, a password change and a reset are logged and stored', async () => {
    const { user, access_token } = await register(users.api);
    const post = (path: string, token: string | undefined, body?: object) =>
      users.api('POST', path, { token, body, headers: requestId });
    const change = { current_password: password, new_password: 'the second one' };
    await post('/users/me/password', access_token, change);
    const reset = await post(`/users/${String(user.id)}/password-reset`, admin.access_token);
    const { token } = reset.body.password_reset as { token: string };
    await post('/users/password', undefined, { token, password: 'the third one' });
    await users.api('DELETE', '/users/me', { token: access_token, headers: requestId });
    const common = { user_id: user.id, request_id: 'request-1' };
    const expected = [
      { event: 'password_changed', actor_id: user.id, ...common },
      { event: 'password_reset_created', actor_id: admin.user.id, ...common },
      { event: 'password_reset_used', actor_id: null, ...common },
      { event: 'user_deleted', actor_id: user.id, ...common },
    ];
    expect(logged(user.id)).toEqual(expected);
    expect(await stored(user.id)).toEqual(expected.map((event) => ({ ...event, ...withoutRoles })));
    for (const secret of [user.email, token, 'the third one']) expect(log).not.toContain(secret);
  });

  test('a reused refresh token is logged and stored once a session', async () => {
    const { user, refresh_token } = await register(users.api);
    await refresh(users.api, refresh_token);
    await refresh(users.api, refresh_token);
    await refresh(users.api, refresh_token); // the session has ended already
    const event = { event: 'refresh_token_reused', actor_id: null, user_id: user.id };
    expect(logged(user.id)).toEqual([{ ...event, request_id: expect.any(String) }]);
    expect(await stored(user.id)).toEqual([expect.objectContaining(event)]);
  });

  test('the creation of the admin is logged and stored', async () => {
    const email = anEmail();
    await users.service.ensureAdmin({ email, password });
    await users.service.ensureAdmin({ email, password });
    const { user } = (await login(users.api, email)).body as SignedInBody;
    const event = { event: 'admin_created', actor_id: null, user_id: user.id, request_id: null };
    expect(logged(user.id)).toEqual([event]);
    expect(await stored(user.id)).toEqual([{ ...event, ...withoutRoles }]);
  });

  test('failed sign-ins are logged with their counts and not stored', async () => {
    const { user } = await register(users.api);
    await login(users.api, user.email, 'wrong one');
    await login(users.api, user.email, 'wrong one');
    await login(users.api, anEmail(), 'wrong one');
    expect(logged(user.id).map(({ event, failures }) => [event, failures])).toEqual([
      ['sign_in_failed', 1],
      ['sign_in_failed', 2],
    ]);
    const [unknown] = logged(null);
    expect(unknown).toMatchObject({ event: 'sign_in_failed', failures: 1 });
    expect(unknown?.['network_failures']).toBeGreaterThanOrEqual(3);
    expect(await stored(user.id)).toEqual([]);
    expect(log).not.toContain('@example.com');
  });

  test('an event is logged once if its transaction is retried, and never if it is rolled back', async () => {
    const { user } = await register(users.api);
    const event = {
      event: 'user_deleted',
      actorId: null,
      userId: user.id,
      requestId: null,
    } as const;
    const events = makeSecurityEvents(users.owner, logger);
    let attempts = 0;
    await events.transaction(async (_tx, record) => {
      await record(event);
      attempts += 1;
      if (attempts === 1) throw Object.assign(new Error('deadlock'), { code: '40P01' });
    });
    expect(attempts).toBe(2);
    const failing = events.transaction(async (_tx, record) => {
      await record(event);
      throw new Error('rolled back');
    });
    await expect(failing).rejects.toThrow('rolled back');
    expect(logged(user.id)).toHaveLength(1);
    expect(await stored(user.id)).toHaveLength(1);
  });

  test('a recent event cannot be deleted, not even by the service', async () => {
    const { user } = await register(users.api);
    await users.sql(`INSERT INTO security_events (event, user_id) VALUES ('user_deleted', $1)`, [
      user.id,
    ]);
    const deleting = users.sql('DELETE FROM security_events WHERE user_id = $1', [user.id]);
    await expect(deleting).rejects.toThrow('security events are kept for 365 days');
  });
});
