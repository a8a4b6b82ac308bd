import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Database } from '@movie-ticketing/kit/database';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { cancelBookingsOfCancelledScreenings } from '../src/holds/cancel-screenings.ts';
import { expireHolds } from '../src/holds/expire-holds.ts';
import { insertBooking } from '../testing/booking-rows.ts';
import { serviceDatabase } from '../testing/booking-requests.ts';
import { expectPromisesKept } from '../testing/promises.ts';
import { lockScreenings, type HeldLock } from '../testing/row-lock.ts';
import { startBookingsSystem, type BookingsSystem } from '../testing/system.ts';

describe('a screening that stays locked', () => {
  let system: BookingsSystem;
  let db: Database;
  let blocked: number;
  let others: number[];
  let lock: HeldLock;
  beforeEach(async () => {
    system = await startBookingsSystem({ processes: 0 });
    db = serviceDatabase(system.databaseUrl);
    const [user] = await system.users(1);
    const ids: number[] = [];
    for (let i = 0; i < 3; i += 1) {
      const { id } = await insertScreening(system.db, { total_seats: 10, available_seats: 8 });
      await insertBooking(system.db, {
        user_id: user!.id,
        screening_id: id,
        num_tickets: 2,
        expiresInMs: 0,
      });
      ids.push(id);
    }
    [blocked, ...others] = ids as [number, ...number[]];
    lock = await lockScreenings(system.databaseUrl, [blocked]);
  });
  afterEach(async () => {
    await db.close();
    await system.stop();
  });

  const seats = () => Promise.all([blocked, ...others].map((id) => system.seatsOf(id)));

  test('expired holds of other screenings are released', async () => {
    const round = () => expireHolds(db, { paymentGraceMs: 600_000, observe: () => undefined });
    await round().catch(() => undefined);
    expect(await seats()).toEqual([8, 10, 10]);
    await lock.release();
    await round();
    expect(await seats()).toEqual([10, 10, 10]);
    await expectPromisesKept(system.db);
  });

  test('bookings of other cancelled screenings are cancelled', async () => {
    await lock.release();
    await system.db.query(`UPDATE screenings SET status = 'cancelled'`);
    lock = await lockScreenings(system.databaseUrl, [blocked]);
    const round = () => cancelBookingsOfCancelledScreenings(db, () => undefined);
    await round().catch(() => undefined);
    expect(await seats()).toEqual([8, 10, 10]);
    await lock.release();
    await round();
    expect(await seats()).toEqual([10, 10, 10]);
    await expectPromisesKept(system.db);
  });
});
