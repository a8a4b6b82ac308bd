import { request } from 'node:http';

import { afterEach, describe, expect, test } from '@jest/globals';
import { Registry } from '@movie-ticketing/kit/metrics';
import type { TestServer } from '@movie-ticketing/kit/testing/api';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { until, untilWaiting } from '../../catalog/testing/lock-waits.ts';
import { as, tally } from '../testing/clients.ts';
import { expectLedger, expectPromisesKept } from '../testing/promises.ts';
import { lockScreenings } from '../testing/row-lock.ts';
import { startBookingsSystem, type BookingsSystem, type Person } from '../testing/system.ts';

const gauge = async (registry: Registry, name: string): Promise<number> => {
  const { values } = await registry.getSingleMetric(name)!.get();
  return values[0]?.value ?? 0;
};

/** Books over a connection that the client can drop. */
const bookAndLeave = (url: string, person: Person, screeningId: number) => {
  const leaving = request(new URL('/bookings', url), {
    method: 'POST',
    headers: { Authorization: `Bearer ${person.token}`, 'Content-Type': 'application/json' },
  });
  leaving.on('error', () => undefined);
  leaving.end(JSON.stringify({ screening_id: screeningId, num_tickets: 5 }));
  return leaving;
};

const hungUp = async ({ registry }: TestServer): Promise<boolean> =>
  (await registry.metrics()).includes('status="499"');

describe('bookings that wait for their batch', () => {
  let system: BookingsSystem;
  afterEach(() => system.stop());

  test('when the queue is full, then 503 with Retry-After, and all that were let in are booked', async () => {
    const registry = new Registry();
    system = await startBookingsSystem({
      env: { BOOKING_QUEUE_LIMIT: '4' },
      overrides: { registry },
    });
    const screening = await insertScreening(system.db);
    const [person] = await system.people(1);
    const client = as(system.server.api, person!);
    const lock = await lockScreenings(system.databaseUrl, [screening.id]);
    const inFlight = client.book(screening.id);
    await untilWaiting(system.db, 1);
    const waiting = [1, 2, 3, 4].map(() => client.book(screening.id));
    await until(async () => (await gauge(registry, 'booking_queue_depth')) === 4);
    const refused = await client.book(screening.id);
    expect(refused).toMatchObject({ status: 503, body: { code: 'overloaded' } });
    expect(refused.headers.get('retry-after')).toBe('1');
    await lock.release();
    const booked = await Promise.all([inFlight, ...waiting]);
    expect(tally(booked)).toEqual({ '201': 5 });
    expect((await client.book(screening.id)).status).toBe(201);
    expect(await system.seatsOf(screening.id)).toBe(94);
    await expectPromisesKept(system.db);
  });

  test('when a client hangs up before its batch began, then its seats are not taken and its neighbours are booked', async () => {
    const registry = new Registry();
    system = await startBookingsSystem({ overrides: { registry } });
    const screening = await insertScreening(system.db, { total_seats: 6 });
    const [person] = await system.people(1);
    const client = as(system.server.api, person!);
    const lock = await lockScreenings(system.databaseUrl, [screening.id]);
    const inFlight = client.book(screening.id);
    await untilWaiting(system.db, 1);
    const leaving = bookAndLeave(system.server.url, person!, screening.id);
    const neighbour = client.book(screening.id, 5);
    await until(async () => (await gauge(registry, 'booking_queue_depth')) === 2);
    leaving.destroy();
    await until(() => hungUp(system.server));
    await lock.release();
    const answers = await Promise.all([inFlight, neighbour]);
    expect(tally(answers)).toEqual({ '201': 2 });
    await expectLedger(system.db, answers);
    await expectPromisesKept(system.db);
  });

  test('control: when a client hangs up after its batch began, then its booking stands: it may have been answered', async () => {
    system = await startBookingsSystem();
    const screening = await insertScreening(system.db, { total_seats: 6 });
    const [person] = await system.people(1);
    const lock = await lockScreenings(system.databaseUrl, [screening.id]);
    const leaving = bookAndLeave(system.server.url, person!, screening.id);
    await untilWaiting(system.db, 1);
    leaving.destroy();
    await until(() => hungUp(system.server));
    await lock.release();
    await until(async () => (await system.seatsOf(screening.id)) === 1);
    await expectPromisesKept(system.db);
  });

  test('when someone holds one screening locked, then its buyers get 503 with Retry-After, and buyers of another are served', async () => {
    system = await startBookingsSystem();
    const [busy, free] = [await insertScreening(system.db), await insertScreening(system.db)];
    const [person] = await system.people(1);
    const client = as(system.server.api, person!);
    const lock = await lockScreenings(system.databaseUrl, [busy.id]);
    const answers = await Promise.all([client.book(busy.id), client.book(free.id)]);
    await lock.release();
    expect(answers.map(({ status }) => status)).toEqual([503, 201]);
    expect(answers[0].headers.get('retry-after')).toBe('1');
    expect(answers[0].body.code).toBe('overloaded');
    expect((await client.book(busy.id)).status).toBe(201);
    await expectPromisesKept(system.db);
  });

  test('when the process stops, then bookings in its queue are answered first', async () => {
    const registry = new Registry();
    system = await startBookingsSystem({ overrides: { registry } });
    const screening = await insertScreening(system.db);
    const [person] = await system.people(1);
    const client = as(system.server.api, person!);
    const lock = await lockScreenings(system.databaseUrl, [screening.id]);
    const inFlight = client.book(screening.id);
    await untilWaiting(system.db, 1);
    const waiting = [1, 2, 3].map(() => client.book(screening.id));
    await until(async () => (await gauge(registry, 'booking_queue_depth')) === 3);
    const stopped = system.server.stop();
    await lock.release();
    expect(tally(await Promise.all([inFlight, ...waiting]))).toEqual({ '201': 4 });
    await stopped;
    expect(await system.seatsOf(screening.id)).toBe(96);
    await expectPromisesKept(system.db);
  });

  test('when a batch refuses for lack of seats, then the answer comes only once those seats are on disk', async () => {
    system = await startBookingsSystem();
    const screening = await insertScreening(system.db, { total_seats: 1 });
    const [person] = await system.people(1);
    const client = as(system.server.api, person!);
    // The winner's transaction cannot end while this row keeps its key waiting.
    await system.db.query(
      `CREATE FUNCTION wait_for_test() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN NULL; END $$`,
    );
    await system.db.query(
      `CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON bookings DEFERRABLE INITIALLY DEFERRED
       FOR EACH ROW EXECUTE FUNCTION wait_for_test()`,
    );
    let answered = 0;
    const gate = await system.db.transaction(async (tx) => {
      await tx.query('SELECT pg_advisory_xact_lock(4711)');
      const answers = [client.book(screening.id), client.book(screening.id)].map((it) =>
        it.finally(() => {
          answered += 1;
        }),
      );
      // The batch is at its COMMIT now.
      await untilWaiting(tx, 1);
      expect(answered).toBe(0);
      return { answers };
    });
    expect(tally(await Promise.all(gate.answers))).toEqual({
      '201': 1,
      '409 not_enough_seats': 1,
    });
    await expectPromisesKept(system.db);
  });
});
