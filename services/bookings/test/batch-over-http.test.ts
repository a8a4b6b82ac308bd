import { request } from 'node:http';

import { afterEach, describe, expect, test } from '@jest/globals';
import { Registry } from '@movie-ticketing/kit/metrics';
import type { TestServer } from '@movie-ticketing/kit/testing/api';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { until } from '@movie-ticketing/kit/testing/until';
import { untilWaiting } from '../../catalog/testing/lock-waits.ts';
import { as, countResponses } from '../testing/clients.ts';
import { expectLedger, expectPromisesKept } from '../testing/promises.ts';
import { lockScreenings } from '../testing/row-lock.ts';
import { startBookingsSystem, type BookingsSystem, type TestUser } from '../testing/system.ts';

const gauge = async (registry: Registry, name: string): Promise<number> => {
  const { values } = await registry.getSingleMetric(name)!.get();
  return values[0]?.value ?? 0;
};

/** Books over a connection that the client can drop. */
const bookAndLeave = (url: string, user: TestUser, screeningId: number) => {
  const leaving = request(new URL('/bookings', url), {
    method: 'POST',
    headers: { Authorization: `Bearer ${user.token}`, 'Content-Type': 'application/json' },
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

  test('a full queue refuses with 503 and Retry-After, and every accepted request is booked', async () => {
    const registry = new Registry();
    system = await startBookingsSystem({
      env: { BOOKING_QUEUE_LIMIT: '4' },
      overrides: { registry },
    });
    const screening = await insertScreening(system.db);
    const [user] = await system.users(1);
    const client = as(system.server.api, user!);
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
    expect(countResponses(booked)).toEqual({ '201': 5 });
    expect((await client.book(screening.id)).status).toBe(201);
    expect(await system.seatsOf(screening.id)).toBe(94);
    await expectPromisesKept(system.db);
  });

  test('a client that disconnects before its batch begins takes no seats, and the other requests are booked', async () => {
    const registry = new Registry();
    system = await startBookingsSystem({ overrides: { registry } });
    const screening = await insertScreening(system.db, { total_seats: 6 });
    const [user] = await system.users(1);
    const client = as(system.server.api, user!);
    const lock = await lockScreenings(system.databaseUrl, [screening.id]);
    const inFlight = client.book(screening.id);
    await untilWaiting(system.db, 1);
    const leaving = bookAndLeave(system.server.url, user!, screening.id);
    const neighbour = client.book(screening.id, 5);
    await until(async () => (await gauge(registry, 'booking_queue_depth')) === 2);
    leaving.destroy();
    await until(() => hungUp(system.server));
    await lock.release();
    const responses = await Promise.all([inFlight, neighbour]);
    expect(countResponses(responses)).toEqual({ '201': 2 });
    await expectLedger(system.db, responses);
    await expectPromisesKept(system.db);
  });

  test('control: a client that disconnects after its batch has begun keeps its booking', async () => {
    system = await startBookingsSystem();
    const screening = await insertScreening(system.db, { total_seats: 6 });
    const [user] = await system.users(1);
    const lock = await lockScreenings(system.databaseUrl, [screening.id]);
    const leaving = bookAndLeave(system.server.url, user!, screening.id);
    await untilWaiting(system.db, 1);
    leaving.destroy();
    await until(() => hungUp(system.server));
    await lock.release();
    await until(async () => (await system.seatsOf(screening.id)) === 1);
    await expectPromisesKept(system.db);
  });

  test('a locked screening: its requests get 503 with Retry-After, requests for another one are booked', async () => {
    system = await startBookingsSystem();
    const [busy, free] = [await insertScreening(system.db), await insertScreening(system.db)];
    const [user] = await system.users(1);
    const client = as(system.server.api, user!);
    const lock = await lockScreenings(system.databaseUrl, [busy.id]);
    const responses = await Promise.all([client.book(busy.id), client.book(free.id)]);
    await lock.release();
    expect(responses.map(({ status }) => status)).toEqual([503, 201]);
    expect(responses[0].headers.get('retry-after')).toBe('1');
    expect(responses[0].body.code).toBe('overloaded');
    expect((await client.book(busy.id)).status).toBe(201);
    await expectPromisesKept(system.db);
  });

  test('a process that stops answers the requests in its queue first', async () => {
    const registry = new Registry();
    system = await startBookingsSystem({ overrides: { registry } });
    const screening = await insertScreening(system.db);
    const [user] = await system.users(1);
    const client = as(system.server.api, user!);
    const lock = await lockScreenings(system.databaseUrl, [screening.id]);
    const inFlight = client.book(screening.id);
    await untilWaiting(system.db, 1);
    const waiting = [1, 2, 3].map(() => client.book(screening.id));
    await until(async () => (await gauge(registry, 'booking_queue_depth')) === 3);
    const stopped = system.server.stop();
    await lock.release();
    expect(countResponses(await Promise.all([inFlight, ...waiting]))).toEqual({ '201': 4 });
    await stopped;
    expect(await system.seatsOf(screening.id)).toBe(96);
    await expectPromisesKept(system.db);
  });

  test('a refusal for lack of seats is sent only after those seats are committed', async () => {
    system = await startBookingsSystem();
    const screening = await insertScreening(system.db, { total_seats: 1 });
    const [user] = await system.users(1);
    const client = as(system.server.api, user!);
    // The first transaction cannot end while this row blocks its key.
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
      const responses = [client.book(screening.id), client.book(screening.id)].map((it) =>
        it.finally(() => {
          answered += 1;
        }),
      );
      // The batch is at its COMMIT now.
      await untilWaiting(tx, 1);
      expect(answered).toBe(0);
      return { responses };
    });
    expect(countResponses(await Promise.all(gate.responses))).toEqual({
      '201': 1,
      '409 not_enough_seats': 1,
    });
    await expectPromisesKept(system.db);
  });
});
