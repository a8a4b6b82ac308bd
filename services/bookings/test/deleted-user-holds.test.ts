import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';

import { releaseHoldsOfDeletedUsers } from '../src/holds/release-deleted-users.ts';
import { insertBooking, insertPayment } from '../testing/booking-rows.ts';
import { serviceDatabase } from '../testing/booking-requests.ts';
import { startBookingsSystem, type BookingsSystem } from '../testing/system.ts';

describe('the holds of a deleted user', () => {
  let system: BookingsSystem;
  let db: ReturnType<typeof serviceDatabase>;
  beforeAll(async () => {
    system = await startBookingsSystem({ processes: 0 });
    db = serviceDatabase(system.databaseUrl);
  });
  afterAll(async () => {
    await db.close();
    await system.stop();
  });

  const statusOf = async (id: number): Promise<string | undefined> => {
    const [row] = await system.db.query<{ status: string }>(
      'SELECT status FROM bookings WHERE id = $1',
      [id],
    );
    return row?.status;
  };
  const softDelete = (userId: number) =>
    system.db.query(
      `UPDATE users SET email = NULL, canonical_email = NULL, password_hash = NULL,
         deleted_at = clock_timestamp() WHERE id = $1`,
      [userId],
    );

  test('are cancelled and their seats released; other bookings are unchanged', async () => {
    const { id: screeningId } = await insertScreening(system.db, {
      total_seats: 10,
      available_seats: 4,
    });
    const [deleted, other] = [await system.user(), await system.user()];
    const insert = (user_id: number, status = 'pending', num_tickets = 1) =>
      insertBooking(system.db, { user_id, screening_id: screeningId, status, num_tickets });
    const hold = await insert(deleted.id, 'pending', 2);
    const paid = await insert(deleted.id, 'confirmed', 2);
    await insertPayment(system.db, {
      booking_id: paid.id,
      status: 'succeeded',
      amount_minor: 3_000,
    });
    const inPayment = await insert(deleted.id);
    await insertPayment(system.db, { booking_id: inPayment.id });
    const ofOther = await insert(other.id);
    await softDelete(deleted.id);

    const released: number[] = [];
    expect(await releaseHoldsOfDeletedUsers(db, (count) => released.push(count))).toBe(false);

    expect(released).toEqual([1]);
    expect(await statusOf(hold.id)).toBe('cancelled');
    expect(await statusOf(paid.id)).toBe('confirmed');
    expect(await statusOf(inPayment.id)).toBe('pending');
    expect(await statusOf(ofOther.id)).toBe('pending');
    expect(await system.seatsOf(screeningId)).toBe(6);
  });

  test('are released by a running process within seconds', async () => {
    await system.startProcess();
    const { id: screeningId } = await insertScreening(system.db, {
      total_seats: 10,
      available_seats: 9,
    });
    const user = await system.user();
    await insertBooking(system.db, { user_id: user.id, screening_id: screeningId });
    await softDelete(user.id);
    while ((await system.seatsOf(screeningId)) !== 10) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
});
