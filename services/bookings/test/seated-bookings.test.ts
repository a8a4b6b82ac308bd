import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import {
  drawnPlan,
  insertPriceCard,
  insertPromoCode,
  insertScreening,
  insertSeatedScreening,
} from '@movie-ticketing/catalog/testing/builders';
import { audit } from '../src/audit.ts';
import { startBookingsSystem, type BookingsSystem, type TestUser } from '../testing/system.ts';

/** A small seat plan: an aisle, a couple seat, a wheelchair space with its companion seat. */
const plan = drawnPlan(['ssss ssss', 'ssss 22ss', 'wcss pppp']);

describe('bookings of numbered seats', () => {
  let system: BookingsSystem;
  let user: TestUser;
  let staff: TestUser;
  beforeAll(async () => {
    system = await startBookingsSystem();
    user = await system.user();
    staff = await system.user('staff');
  });
  afterAll(async () => {
    const broken = (await audit(system.db)).filter(({ violations }) => violations > 0);
    await system.stop();
    expect(broken).toEqual([]);
  });

  const book = (body: object, by = user) =>
    system.server.api('POST', '/bookings', { token: by.token, body });
  const seatsIn = (answer: { body: any }): string[] =>
    answer.body.booking.tickets.map((it: { seat: string }) => it.seat);
  const named = (...seats: string[]) => seats.map((seat) => ({ seat }));
  const newScreening = async (options: Parameters<typeof insertSeatedScreening>[2] = {}) =>
    (await insertSeatedScreening(system.db, plan, options)).id;
  const mapOf = async (id: number) =>
    (
      await system.db.query<{ taken: string; available: number; version: number }>(
        'SELECT taken, available_seats AS available, seats_version AS version FROM screenings WHERE id = $1',
        [id],
      )
    )[0]!;

  test('chosen seats are taken, sold once, and free again after a cancellation', async () => {
    const screening_id = await newScreening();
    const first = await book({ screening_id, tickets: named('A-1', 'A-2') });
    expect(first.status).toBe(201);
    expect(seatsIn(first)).toEqual(['A-1', 'A-2']);
    expect(first.body.booking).toMatchObject({
      num_tickets: 2,
      total: { amount: 3_000, currency: 'USD' },
      tickets: [{ status: 'held', ticket_type_id: null, price: { amount: 1_500 } }, {}],
    });
    expect(await mapOf(screening_id)).toMatchObject({ available: 22, version: 1 });

    const second = await book({ screening_id, tickets: named('A-2', 'A-3') });
    expect(second.status).toBe(409);
    expect(second.body).toMatchObject({ code: 'seats_taken', seats: ['A-2'] });
    expect(await mapOf(screening_id)).toMatchObject({ available: 22, version: 1 });

    const path = `/bookings/${String(first.body.booking.id)}`;
    const cancelled = await system.server.api('POST', `${path}/cancel`, { token: user.token });
    expect(cancelled.body.booking.tickets[0].status).toBe('void');
    const after = await mapOf(screening_id);
    expect(after).toMatchObject({ available: 24, version: 2 });
    expect(after.taken).not.toContain('1');
    expect((await book({ screening_id, tickets: named('A-2', 'A-3') })).status).toBe(201);
  });

  test('a number of tickets alone gets the best seats side by side', async () => {
    const screening_id = await newScreening();
    const seats = seatsIn(await book({ screening_id, num_tickets: 3 }));
    expect(new Set(seats.map((seat) => seat[0])).size).toBe(1);
    expect(seats).toHaveLength(3);
  });

  test('best available stays in its category, and side by side where that is required', async () => {
    const screening_id = await newScreening();
    const best = (best_available: object, num_tickets = 4) =>
      book({ screening_id, num_tickets, best_available });
    expect(seatsIn(await best({ category: 'Premium' }))).toEqual(['C-5', 'C-6', 'C-7', 'C-8']);
    expect((await best({ category: 'Premium' }, 1)).body.code).toBe('not_enough_seats');
    expect((await best({ together: 'required' }, 5)).body.code).toBe('no_adjacent_seats');
    expect((await best({ category: 'Royal' })).body).toMatchObject({
      code: 'invalid_request',
      errors: [{ path: 'best_available.category' }],
    });
    expect(seatsIn(await best({ accessible: true }, 2))).toEqual(['C-1', 'C-2']);
    expect((await best({ accessible: true }, 1)).status).toBe(409);
  });

  test.each<[string, string[], string, string[] | undefined]>([
    ['half of a couple seat', ['B-5'], 'seat_group_incomplete', ['B-6']],
    ['a companion seat alone', ['C-2'], 'seat_group_incomplete', ['C-1']],
    ['a choice that leaves a single seat', ['A-2', 'A-3'], 'orphan_seat', ['A-1', 'A-4']],
    ['a seat of no plan', ['Z-9'], 'invalid_request', undefined],
    ['a seat twice', ['A-1', 'A-1'], 'invalid_request', undefined],
  ])('%s is refused and takes nothing', async (_what, seats, code, about) => {
    const screening_id = await newScreening({ prevent_orphan_seats: true });
    const refused = await book({ screening_id, tickets: named(...seats) });
    expect(refused.body.code).toBe(code);
    expect(refused.body.seats?.toSorted()).toEqual(about);
    expect(await mapOf(screening_id)).toMatchObject({ available: 24, version: 0 });
  });

  test('staff may leave single seats, and book a companion seat alone', async () => {
    const screening_id = await newScreening({ prevent_orphan_seats: true });
    expect((await book({ screening_id, tickets: named('A-2', 'A-3') }, staff)).status).toBe(201);
    expect((await book({ screening_id, tickets: named('C-2') }, staff)).status).toBe(201);
    expect((await book({ screening_id, tickets: named('B-5') }, staff)).body.code).toBe(
      'seat_group_incomplete',
    );
  });

  test('a theater may allow single seats', async () => {
    const screening_id = await newScreening({ prevent_orphan_seats: false });
    expect((await book({ screening_id, tickets: named('A-2', 'A-3') })).status).toBe(201);
  });

  test('a blocked seat is not free', async () => {
    const blocked = `1${'0'.repeat(23)}`;
    const screening_id = await newScreening({ blocked, available_seats: 23 });
    expect((await book({ screening_id, tickets: named('A-1') })).body).toMatchObject({
      code: 'seats_taken',
      seats: ['A-1'],
    });
  });

  test('general admission has no seats to choose', async () => {
    const { id: screening_id } = await insertScreening(system.db);
    for (const body of [{ tickets: named('A-1') }, { num_tickets: 1, best_available: {} }]) {
      const refused = await book({ screening_id, ...body });
      expect(refused.body.code).toBe('invalid_request');
    }
    const booked = await book({ screening_id, tickets: [{}, {}] });
    expect(booked.body.booking).toMatchObject({ num_tickets: 2, total: { amount: 3_000 } });
  });

  test.each([
    [{}, 'num_tickets'],
    [{ num_tickets: 1, tickets: [{}] }, 'tickets'],
    [{ tickets: [{ seat: 'A-1' }], best_available: {} }, 'best_available'],
    [{ tickets: [{ seat: 'A-1' }, {}] }, 'tickets'],
    [{ tickets: [] }, 'tickets'],
  ])('%j is refused with the field', async (body, path) => {
    const screening_id = await newScreening();
    const refused = await book({ screening_id, ...body });
    expect(refused.status).toBe(400);
    expect(refused.body.errors[0].path).toBe(path);
  });

  describe('with a price card', () => {
    const lines = [
      ['Staff', null, 0],
      ['Adult', null, 1_000],
      ['Adult', 'Premium', 1_500],
      ['Child', null, 333],
    ] as const;

    test('each ticket has the price of its type and category, and the amounts add up', async () => {
      const card = await insertPriceCard(system.db, {
        booking_fee_minor: 50,
        tax_rate_bp: 1_900,
        lines,
      });
      const screening_id = await newScreening({ price_card_id: card.id });
      const { code } = await insertPromoCode(system.db, { amount_minor: 100 });
      const adult = card.types['Adult'];
      const booked = await book({
        screening_id,
        promo_code: code.toLowerCase(),
        tickets: [
          { seat: 'C-5', ticket_type_id: adult },
          { seat: 'C-6' },
          { seat: 'C-4', ticket_type_id: card.types['Child'] },
        ],
      });
      expect(booked.status).toBe(201);
      const { booking } = booked.body;
      expect(booking.tickets.map((it: any) => it.price.amount)).toEqual([1_500, 1_500, 333]);
      expect(booking.tickets[1].ticket_type_id).toBe(adult);
      expect(booking).toMatchObject({
        subtotal: { amount: 3_333 },
        discount: { amount: 100 },
        fees: { amount: 150 },
        total: { amount: 3_383 },
      });
      const paid = await system.server.api('POST', '/payments', {
        token: user.token,
        body: { booking_id: booking.id },
      });
      expect(paid.body.payment.amount.amount).toBe(3_383);
    });

    test('types that may not be booked are refused', async () => {
      const card = await insertPriceCard(system.db, { lines });
      const screening_id = await newScreening({ price_card_id: card.id });
      const only = (ticket_type_id: number, by = user) =>
        book({ screening_id, tickets: [{ ticket_type_id }] }, by);
      expect((await only(card.types['Staff']!)).body.code).toBe('forbidden');
      expect((await only(card.types['Staff']!, staff)).body.booking.total.amount).toBe(0);
      expect((await only(999_999_999)).body.errors[0].path).toBe('tickets.0.ticket_type_id');
      await system.db.query('UPDATE ticket_types SET active = false WHERE id = $1', [
        card.types['Child'],
      ]);
      expect((await only(card.types['Child']!)).status).toBe(400);
    });

    test('general admission has prices too, and keeps the amounts that were fixed', async () => {
      const card = await insertPriceCard(system.db, { booking_fee_minor: 20, lines });
      const { id: screening_id } = await insertScreening(system.db, { price_card_id: card.id });
      const booked = await book({ screening_id, num_tickets: 2 });
      expect(booked.body.booking.total.amount).toBe(2_040);
      await system.db.query('UPDATE price_lines SET amount_minor = 1 WHERE price_card_id = $1', [
        card.id,
      ]);
      const path = `/bookings/${String(booked.body.booking.id)}`;
      const read = await system.server.api('GET', path, { token: user.token });
      expect(read.body).toEqual(booked.body);
    });
  });

  describe('with a promo code', () => {
    test('a limited code is used that often, and given back with the seats', async () => {
      const screening_id = await newScreening();
      const { code, id } = await insertPromoCode(system.db, { percent: 50, max_uses: 2 });
      const answers = await Promise.all(
        [1, 2, 3, 4].map(() => book({ screening_id, num_tickets: 1, promo_code: code })),
      );
      const made = answers.filter(({ status }) => status === 201);
      expect(made.map(({ body }) => body.booking.total.amount)).toEqual([750, 750]);
      expect(answers.find(({ status }) => status !== 201)?.body.code).toBe('promo_code_invalid');
      const path = `/bookings/${String(made[0]!.body.booking.id)}/cancel`;
      await system.server.api('POST', path, { token: user.token });
      expect(await system.db.query('SELECT uses FROM promo_codes WHERE id = $1', [id])).toEqual([
        { uses: 1 },
      ]);
      expect((await book({ screening_id, num_tickets: 1, promo_code: code })).status).toBe(201);
    });

    test.each<[string, Parameters<typeof insertPromoCode>[1]]>([
      ['not valid yet', { valid_from: new Date(Date.now() + 3_600_000) }],
      ['expired', { valid_until: new Date(Date.now() - 3_600_000) }],
    ])('a code that is %s is refused and takes no seats', async (_what, columns) => {
      const screening_id = await newScreening();
      const { code } = await insertPromoCode(system.db, columns);
      const refused = await book({ screening_id, num_tickets: 1, promo_code: code });
      expect([refused.status, refused.body.code]).toEqual([422, 'promo_code_invalid']);
      expect((await mapOf(screening_id)).available).toBe(24);
    });

    test('a code of another screening or movie is refused', async () => {
      const screening_id = await newScreening();
      const other = await insertScreening(system.db);
      for (const target of [{ screening_id: other.id }, { movie_id: other.movie_id }]) {
        const { code } = await insertPromoCode(system.db, target);
        const body = { num_tickets: 1, promo_code: code };
        expect((await book({ screening_id, ...body })).body.code).toBe('promo_code_invalid');
        expect((await book({ screening_id: other.id, ...body })).status).toBe(201);
      }
    });
  });

  test('a repeat with its key gets the same tickets after the booking was paid', async () => {
    const screening_id = await newScreening();
    const request = {
      token: user.token,
      key: 'seated',
      body: { screening_id, tickets: named('A-1', 'A-2') },
    };
    const first = await system.server.api('POST', '/bookings', request);
    await system.server.api('POST', '/payments', {
      token: user.token,
      body: { booking_id: first.body.booking.id },
    });
    const replayed = await system.server.api('POST', '/bookings', request);
    expect(replayed.headers.get('idempotent-replayed')).toBe('true');
    expect(replayed.body).toEqual(first.body);
  });
});
