import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { insertScreening, insertUser } from '@movie-ticketing/catalog/testing/builders';
import { as, hold } from '../testing/clients.ts';
import { startBookingsSystem, type BookingsSystem, type Person } from '../testing/system.ts';

describe('who sees which bookings', () => {
  let system: BookingsSystem;
  let ann: Person;
  let bob: Person;
  let staff: Person;
  let admin: Person;
  let first: number;
  let second: number;
  beforeAll(async () => {
    system = await startBookingsSystem();
    [ann, bob] = (await system.people(2)) as [Person, Person];
    staff = await system.person('staff');
    admin = await system.person('admin');
    first = (await insertScreening(system.db)).id;
    second = (await insertScreening(system.db)).id;
    for (let i = 0; i < 5; i += 1) await hold(system, ann, first);
    for (let i = 0; i < 3; i += 1) await hold(system, bob, i === 0 ? first : second);
    const paid = await hold(system, bob, second);
    await as(system.server.api, bob).pay(paid.id);
  });
  afterAll(() => system.stop());

  const list = async (person: Person, query = '') => {
    const answer = await system.server.api('GET', `/bookings${query}`, { token: person.token });
    return answer;
  };
  const owners = (answer: { body: { bookings: { user_id: number }[] } }) => [
    ...new Set(answer.body.bookings.map((it) => it.user_id)),
  ];

  test('when a customer lists bookings, then they are theirs, newest first', async () => {
    const answer = await list(ann);
    expect(answer.status).toBe(200);
    expect(answer.body.bookings).toHaveLength(5);
    expect(owners(answer)).toEqual([ann.id]);
    const ids: number[] = answer.body.bookings.map((it: { id: number }) => it.id);
    expect(ids).toEqual(ids.toSorted((a, b) => b - a));
    expect(answer.body.next_cursor).toBeNull();
  });

  test('when staff or an admin list bookings, then they are everybody’s', async () => {
    for (const person of [staff, admin]) {
      expect((await list(person)).body.bookings).toHaveLength(9);
    }
  });

  test('when staff filter by person, screening and status, then all filters hold', async () => {
    const ofBob = await list(staff, `?user_id=${String(bob.id)}`);
    expect(owners(ofBob)).toEqual([bob.id]);
    const onSecond = await list(staff, `?screening_id=${String(second)}&status=pending`);
    expect(onSecond.body.bookings).toHaveLength(2);
    const confirmed = await list(staff, `?user_id=${String(bob.id)}&status=confirmed`);
    expect(confirmed.body.bookings).toHaveLength(1);
    expect((await list(staff, '?status=refunded')).body.bookings).toEqual([]);
  });

  test('when a customer names themselves, then it is their list; another person, then 403', async () => {
    expect((await list(ann, `?user_id=${String(ann.id)}`)).body.bookings).toHaveLength(5);
    expect(await list(ann, `?user_id=${String(bob.id)}`)).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    });
    expect((await list(ann, `?screening_id=${String(second)}`)).body.bookings).toEqual([]);
  });

  test('when pages are followed to the end, then each booking comes once, though new ones are made meanwhile', async () => {
    const seen: number[] = [];
    let cursor = '';
    for (;;) {
      const page = await list(staff, `?limit=2&status=pending${cursor}`);
      seen.push(...page.body.bookings.map((it: { id: number }) => it.id));
      if (page.body.next_cursor === null) break;
      expect(page.body.bookings).toHaveLength(2);
      cursor = `&cursor=${encodeURIComponent(page.body.next_cursor)}`;
      const extra = await system.people(1);
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
  ])('when the query is %s, then 400', async (query) => {
    expect(await list(staff, `?${query}`)).toMatchObject({
      status: 400,
      body: { code: 'invalid_request' },
    });
  });

  test('when a customer reads or cancels somebody else’s booking, then 404 as for none', async () => {
    const { id } = await hold(system, ann, first);
    for (const missing of [id, 999_999_999]) {
      expect((await as(system.server.api, bob).booking(missing)).status).toBe(404);
      expect((await as(system.server.api, bob).cancel(missing)).status).toBe(404);
    }
    expect((await as(system.server.api, staff).booking(id)).status).toBe(200);
    expect((await as(system.server.api, staff).cancel(id)).status).toBe(200);
  });

  test('when a booking is read again unchanged, then If-None-Match gets 304', async () => {
    const { id } = await hold(system, ann, first);
    const read = await as(system.server.api, ann).booking(id);
    const again = await system.server.api('GET', `/bookings/${String(id)}`, {
      token: ann.token,
      headers: { 'If-None-Match': read.headers.get('etag')! },
    });
    expect(again.status).toBe(304);
  });

  test('when staff book for somebody, then it is theirs; for nobody or a deleted account, then 404', async () => {
    const book = (person: Person, userId: number) =>
      system.server.api('POST', '/bookings', {
        token: person.token,
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

  test('when a deleted account’s token still lives, then everything is 401', async () => {
    const gone = await insertUser(system.db, { deleted_at: new Date() });
    const token = await system.tokens.sign({ userId: gone.id });
    const ghost = as(system.server.api, { token });
    for (const answer of [
      await ghost.book(first),
      await ghost.pay(1),
      await ghost.cancel(1),
      await ghost.booking(1),
      await ghost.payment(1),
      await list({ id: gone.id, token }),
    ]) {
      expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
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
  ])('when the booking is %j, then 400', async (body) => {
    const answer = await system.server.api('POST', '/bookings', { token: ann.token, body });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  });
});
