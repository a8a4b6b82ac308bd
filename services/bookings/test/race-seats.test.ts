import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import {
  drawnPlan,
  insertPromoCode,
  insertSeatedScreening,
} from '@movie-ticketing/catalog/testing/builders';
import { until } from '@movie-ticketing/kit/testing/until';

import { auditSnapshot } from '../src/audit.ts';
import { as, countResponses, inParallel } from '../testing/clients.ts';
import { expectLedger, expectPromisesKept } from '../testing/promises.ts';
import { openTransaction } from '../testing/row-lock.ts';
import { startBookingsSystem, type BookingsSystem } from '../testing/system.ts';

const rows = ['ssssssssss', 'ssssssssss', 'ssssssssss', 'ssssssssss'];

describe('numbered seats under races', () => {
  let system: BookingsSystem;
  beforeAll(async () => {
    system = await startBookingsSystem({ processes: 3 });
  });
  afterAll(() => system.stop());

  const bookSeats = (index: number, token: string, body: object) =>
    system.servers[index % 3]!.api('POST', '/bookings', { token, body });

  test('400 users choose pairs of 40 seats at 3 processes: no seat is sold twice', async () => {
    const { id } = await insertSeatedScreening(system.db, drawnPlan(rows));
    const users = await system.users(400);
    const responses = await inParallel(
      96,
      users.map(({ token }, index) => () => {
        const row = 'ABCD'[index % 4]!;
        const number = 1 + ((index * 7) % 9);
        const tickets = [number, number + 1].map((n) => ({ seat: `${row}-${String(n)}` }));
        return bookSeats(index, token, { screening_id: id, tickets });
      }),
    );
    const sold = responses
      .filter(({ status }) => status === 201)
      .flatMap(({ body }) => body.booking.tickets.map((it: { seat: string }) => it.seat));
    expect(new Set(sold).size).toBe(sold.length);
    expect(await system.seatsOf(id)).toBe(40 - sold.length);
    expect(Object.keys(countResponses(responses)).toSorted()).toEqual(['201', '409 seats_taken']);
    await expectLedger(system.db, responses);
    await expectPromisesKept(system.db);
  });

  test('best available sells exactly the seats that there are', async () => {
    const { id } = await insertSeatedScreening(system.db, drawnPlan(rows));
    const users = await system.users(60);
    const responses = await inParallel(
      60,
      users.map(
        ({ token }, index) =>
          () =>
            bookSeats(index, token, { screening_id: id, num_tickets: 1 }),
      ),
    );
    expect(countResponses(responses)).toEqual({ '201': 40, '409 not_enough_seats': 20 });
    await expectPromisesKept(system.db);
  });

  test('a limited promo code is used that often at 3 processes', async () => {
    const { id } = await insertSeatedScreening(system.db, drawnPlan(rows));
    const { code } = await insertPromoCode(system.db, { max_uses: 7 });
    const users = await system.users(30);
    const responses = await inParallel(
      30,
      users.map(
        ({ token }, index) =>
          () =>
            bookSeats(index, token, { screening_id: id, num_tickets: 1, promo_code: code }),
      ),
    );
    expect(countResponses(responses)).toEqual({ '201': 7, '422 promo_code_invalid': 23 });
    await expectPromisesKept(system.db);
  });
});

test('an expired hold of a seat that was sold again keeps the new ticket', async () => {
  const system = await startBookingsSystem({ env: { HOLD_MINUTES: '0.01' } });
  try {
    const { id } = await insertSeatedScreening(system.db, drawnPlan(['ss']));
    const [first, second] = await system.users(2);
    const book = (token: string) =>
      system.server.api('POST', '/bookings', {
        token,
        body: { screening_id: id, tickets: [{ seat: 'A-1' }] },
      });
    expect((await book(first!.token)).status).toBe(201);
    let bookingId = 0;
    await until(async () => {
      const { status, body } = await book(second!.token);
      if (status === 201) bookingId = body.booking.id;
      return status === 201;
    });
    const paid = await as(system.server.api, second!).pay(bookingId);
    expect(paid.status).toBe(200);
    await expectPromisesKept(system.db);
    const [row] = await system.db.query<{ taken: string }>(
      'SELECT taken FROM screenings WHERE id = $1',
      [id],
    );
    expect(row?.taken).toBe('10');
  } finally {
    await system.stop();
  }
});

describe('control: one seat, taken by two transactions that do not lock its screening', () => {
  let system: BookingsSystem;
  beforeAll(async () => {
    system = await startBookingsSystem({ processes: 0 });
  });
  afterAll(() => system.stop());

  const insertTicket = (ticketId: number, screeningId: number): [string, number[]] => [
    `INSERT INTO tickets (id, screening_id, seat, seat_id, price_minor, discount_minor, fee_minor, tax_minor)
     VALUES ($1, $2, 0, 'A-1', 1500, 0, 0, 0)`,
    [ticketId, screeningId],
  ];

  test('the index on live seats refuses the second ticket', async () => {
    const { id } = await insertSeatedScreening(system.db, drawnPlan(['ss']));
    await system.db.query(...insertTicket(1_000, id));
    await expect(system.db.query(...insertTicket(2_000, id))).rejects.toMatchObject({
      code: '23505',
    });
    await system.db.query(`UPDATE tickets SET status = 'void' WHERE id = 1000`);
    await system.db.query(...insertTicket(2_000, id));
    // A ticket that is void stays so.
    await expect(
      system.db.query(`UPDATE tickets SET status = 'live' WHERE id = 1000`),
    ).rejects.toMatchObject({ code: '23514' });
  });

  test('without the index the seat is sold twice, and the audit finds it', async () => {
    const { id } = await insertSeatedScreening(system.db, drawnPlan(['ss']), {
      taken: '10',
      available_seats: 1,
    });
    const tx = await openTransaction(system.databaseUrl);
    await tx.query('DROP INDEX tickets_live_seat');
    await tx.query(...insertTicket(3_000, id));
    await tx.query(...insertTicket(4_000, id));
    await tx.commit();
    const broken = (await auditSnapshot(system.db)).filter(({ violations }) => violations > 0);
    expect(broken.map(({ name }) => name)).toContain(
      'every taken seat is on exactly one live ticket, and every live ticket has its seat',
    );
  });

  test.each([
    ['more seats than are left', `available_seats = available_seats - 1`],
    ['a taken seat that is not counted', `taken = B'11'`],
    ['a seat that is taken and blocked', `taken = B'10', blocked = B'10', available_seats = 0`],
    ['a map of another size', `taken = B'100'`],
    ['no map', `taken = NULL`],
  ])('the constraint on seat maps refuses %s', async (_what, assignment) => {
    const { id } = await insertSeatedScreening(system.db, drawnPlan(['ss']));
    await expect(
      system.db.query(`UPDATE screenings SET ${assignment} WHERE id = $1`, [id]),
    ).rejects.toMatchObject({ code: expect.stringMatching(/^(23514|22026)$/) });
  });
});
