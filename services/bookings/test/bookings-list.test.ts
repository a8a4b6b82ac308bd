import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { insertScreening, insertUser } from '@movie-ticketing/catalog/testing/builders';
import { as, hold } from '../testing/clients.ts';
import { startBookingsSystem, type BookingsSystem, type TestUser } from '../testing/system.ts';

describe('access to bookings', () => {
  let system: BookingsSystem;
  let ann: TestUser;
  let bob: TestUser;
  let staff: TestUser;
  let admin: TestUser;
  let first: number;
  let second: number;
  beforeAll(async () => {
    system = await startBookingsSystem();
    [ann, bob] = (await system.users(2)) as [TestUser, TestUser];
    staff = await system.user('staff');
    admin = await system.user('admin');
    first = (await insertScreening(system.db)).id;
    second = (await insertScreening(system.db)).id;
    for (let i = 0; i < 5; i += 1) await hold(system, ann, first);
    for (let i = 0; i < 3; i += 1) await hold(system, bob, i === 0 ? first : second);
    const paid = await hold(system, bob, second);
    await as(system.server.api, bob).pay(paid.id);
  });
  afterAll(() => system.stop());

  const list = async (user: TestUser, query = '') => {
    const response = await system.server.api('GET', `/bookings${query}`, { token: user.token });
    return response;
  };
  const owners = (response: { body: { bookings: { user_id: number }[] } }) => [
    ...new Set(response.body.bookings.map((it) => it.user_id)),
  ];

  test('a customer lists their own bookings, newest first', async () => {
    const response = await list(ann);
    expect(response.status).toBe(200);
    expect(response.body.bookings).toHaveLength(5);
    expect(owners(response)).toEqual([ann.id]);
    const ids: number[] = response.body.bookings.map((it: { id: number }) => it.id);
    expect(ids).toEqual(ids.toSorted((a, b) => b - a));
    expect(response.body.next_cursor).toBeNull();
  });

  test('staff and admins list the bookings of all users', async () => {
    for (const user of [staff, admin]) {
      expect((await list(user)).body.bookings).toHaveLength(9);
    }
  });

  test('filters by user, screening and status can be combined', async () => {
    const ofBob = await list(staff, `?user_id=${String(bob.id)}`);
    expect(owners(ofBob)).toEqual([bob.id]);
    const onSecond = await list(staff, `?screening_id=${String(second)}&status=pending`);
    expect(onSecond.body.bookings).toHaveLength(2);
    const confirmed = await list(staff, `?user_id=${String(bob.id)}&status=confirmed`);
    expect(confirmed.body.bookings).toHaveLength(1);
    expect((await list(staff, '?status=refunded')).body.bookings).toEqual([]);
  });

  test('a customer may filter by their own user_id; another one is refused with 403', async () => {
    expect((await list(ann, `?user_id=${String(ann.id)}`)).body.bookings).toHaveLength(5);
    expect(await list(ann, `?user_id=${String(bob.id)}`)).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    });
    expect((await list(ann, `?screening_id=${String(second)}`)).body.bookings).toEqual([]);
  });

  test('pages contain each booking once although new ones are made in between', async () => {
    const seen: number[] = [];
    let cursor = '';
    for (;;) {
      const page = await list(staff, `?limit=2&status=pending${cursor}`);
      seen.push(...page.body.bookings.map((it: { id: number }) => it.id));
      if (page.body.next_cursor === null) break;
      expect(page.body.bookings).toHaveLength(2);
      cursor = `&cursor=${encodeURIComponent(page.body.next_cursor)}`;
      const extra = await system.users(1);
      await hold(system, extra[0]!, second);
    }
    expect(seen).toHaveLength(8);
    expect(new Set(seen).size).toBe(8);
  });

  test.each([
    'limit=0',
    'limit=201',
    'limit=x',
    'cursor=x',
    'cursor=WzFd%00',
    `cursor=${Buffer.from('["1"]').toString('base64url')}`,
    'status=paid',
    'user_id=0',
    'screening_id=9007199254740992',
    'offset=1',
    'status=pending&status=expired',
  ])('rejects the query %s with 400', async (query) => {
    expect(await list(staff, `?${query}`)).toMatchObject({
      status: 400,
      body: { code: 'invalid_request' },
    });
  });

  test('the booking of another user and an unknown one are answered 404 to a customer', async () => {
    const { id } = await hold(system, ann, first);
    for (const missing of [id, 999_999_999]) {
      expect((await as(system.server.api, bob).booking(missing)).status).toBe(404);
      expect((await as(system.server.api, bob).cancel(missing)).status).toBe(404);
    }
    expect((await as(system.server.api, staff).booking(id)).status).toBe(200);
    expect((await as(system.server.api, staff).cancel(id)).status).toBe(200);
  });

  test('an unchanged booking is answered 304 to If-None-Match', async () => {
    const { id } = await hold(system, ann, first);
    const read = await as(system.server.api, ann).booking(id);
    const again = await system.server.api('GET', `/bookings/${String(id)}`, {
      token: ann.token,
      headers: { 'If-None-Match': read.headers.get('etag')! },
    });
    expect(again.status).toBe(304);
  });

  test('staff book for another user; an unknown or deleted user is answered 404', async () => {
    const book = (user: TestUser, userId: number) =>
      system.server.api('POST', '/bookings', {
        token: user.token,
        body: { screening_id: first, num_tickets: 1, user_id: userId },
      });
    const gone = await insertUser(system.db, { deleted_at: new Date() });
    const made = await book(staff, ann.id);
    expect(made).toMatchObject({ status: 201, body: { booking: { user_id: ann.id } } });
    expect(made.headers.get('location')).toBe(`/bookings/${String(made.body.booking.id)}`);
    expect((await as(system.server.api, ann).booking(made.body.booking.id)).status).toBe(200);
    expect((await book(staff, gone.id)).status).toBe(404);
    expect((await book(admin, 999_999_999)).status).toBe(404);
    expect((await book(ann, ann.id)).status).toBe(201);
    expect(await book(ann, bob.id)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  });

  test('rejects every request with the token of a deleted user with 401', async () => {
    const gone = await insertUser(system.db, { deleted_at: new Date() });
    const token = await system.tokens.sign({ userId: gone.id });
    const client = as(system.server.api, { token });
    for (const response of [
      await client.book(first),
      await client.pay(1),
      await client.cancel(1),
      await client.booking(1),
      await client.payment(1),
      await list({ id: gone.id, token }),
    ]) {
      expect(response).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
    }
  });

  test.each([
    [{}],
    [{ screening_id: 1 }],
    [{ screening_id: 1, num_tickets: 0 }],
    [{ screening_id: 1, num_tickets: 11 }],
    [{ screening_id: 1, num_tickets: 1.5 }],
    [{ screening_id: '1', num_tickets: 1 }],
    [{ screening_id: 2 ** 53, num_tickets: 1 }],
    [{ screening_id: 1, num_tickets: 1, seats: ['A1'] }],
    [{ screening_id: 1, num_tickets: 1, user_id: null }],
  ])('rejects the booking %j with 400', async (body) => {
    const response = await system.server.api('POST', '/bookings', { token: ann.token, body });
    expect(response).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  });
});
