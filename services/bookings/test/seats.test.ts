import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { makeParameters } from '@movie-ticketing/kit/statements';
import { makeSeatsRepository, takeSeats } from '../src/seats/seats.repository.ts';
import { startBookingsSystem, type BookingsSystem } from '../testing/system.ts';

describe('the seats of a screening', () => {
  let system: BookingsSystem;
  beforeAll(async () => {
    system = await startBookingsSystem({ processes: 0 });
  });
  afterAll(() => system.stop());

  const screenings = async (): Promise<[number, number]> => {
    const ids = [];
    for (let i = 0; i < 2; i += 1) {
      ids.push((await insertScreening(system.db, { total_seats: 100 })).id);
    }
    return ids as [number, number];
  };
  const seatsOf = (ids: readonly number[]): Promise<number[]> =>
    Promise.all(ids.map((id) => system.seatsOf(id)));

  const holder = (id: number, screeningId: number, numTickets: number) => ({
    ...{ id, screeningId, numTickets },
    promoCodeId: null,
    tickets: [],
  });

  test('several bookings of one screening all count, taken or released', async () => {
    const [one, other] = await screenings();
    const bookings = [holder(1, one, 3), holder(2, other, 2), holder(3, one, 4)];
    const parameters = makeParameters();
    const { taken_seats: text } = takeSeats(parameters, bookings, new Map());
    await system.db.query(text!, parameters.values);
    expect(await seatsOf([one, other])).toEqual([93, 98]);
    await makeSeatsRepository(system.db).release(bookings);
    expect(await seatsOf([one, other])).toEqual([100, 100]);
  });

  test('control: UPDATE with FROM applies only one of two changes of one row', async () => {
    const [one] = await screenings();
    await system.db.query(
      `UPDATE screenings s SET available_seats = s.available_seats - change.seats
       FROM unnest($1::bigint[], $2::int[]) AS change (id, seats) WHERE s.id = change.id`,
      [
        [one, one],
        [3, 4],
      ],
    );
    expect(await system.seatsOf(one)).not.toBe(93);
  });

  test('taking more seats than are available fails and takes none', async () => {
    const [one] = await screenings();
    const parameters = makeParameters();
    const { taken_seats: text } = takeSeats(parameters, [holder(1, one, 101)], new Map());
    await expect(system.db.query(text!, parameters.values)).rejects.toMatchObject({
      code: '23514',
    });
    expect(await system.seatsOf(one)).toBe(100);
  });

  test('locks only existing screenings and compares their start with the clock', async () => {
    const [one] = await screenings();
    const past = await insertScreening(system.db, { starts_at: new Date(Date.now() - 1_000) });
    const locked = await system.db.transaction((tx) =>
      makeSeatsRepository(tx).lock([past.id, one, 999_999_999]),
    );
    expect([...locked.keys()]).toEqual([one, past.id]);
    expect(locked.get(one)).toMatchObject({ hasStarted: false, availableSeats: 100 });
    expect(locked.get(past.id)).toMatchObject({ hasStarted: true });
  });
});
