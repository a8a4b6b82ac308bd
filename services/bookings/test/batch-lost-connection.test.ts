import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { TestServer } from '@movie-ticketing/kit/testing/api';
import pg from 'pg';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { until } from '@movie-ticketing/kit/testing/until';
import { untilWaiting } from '../../catalog/testing/lock-waits.ts';
import { runBatch } from '../src/batch/run-batch.ts';
import { makeSimulatedProvider } from '../src/payments/simulated-provider.ts';
import { as, countResponses } from '../testing/clients.ts';
import {
  batchSettings,
  bookingRequest,
  resultName,
  serviceDatabase,
} from '../testing/booking-requests.ts';
import { startPostgresProxy, type PostgresProxy } from '../testing/postgres-proxy.ts';
import { expectLedger, expectPromisesKept } from '../testing/promises.ts';
import { lockScreenings } from '../testing/row-lock.ts';
import { startBookingsSystem, type BookingsSystem, type TestUser } from '../testing/system.ts';

describe('a connection that breaks at COMMIT', () => {
  let system: BookingsSystem;
  let proxy: PostgresProxy;
  let server: TestServer;
  let user: TestUser;
  let screeningId: number;
  beforeEach(async () => {
    system = await startBookingsSystem({ processes: 0 });
    proxy = await startPostgresProxy(system.databaseUrl);
    server = await system.startProcess({ databaseUrl: proxy.url });
    [user] = (await system.users(1)) as [TestUser];
    screeningId = (await insertScreening(system.db)).id;
  });
  afterEach(async () => {
    await system.stop();
    await proxy.stop();
  });

  test.each([
    ['after PostgreSQL committed', 'cut'],
    ['before COMMIT reaches PostgreSQL', 'lose'],
  ] as const)(
    '%s: every request of the batch gets the right response and is booked once',
    async (_when, fault) => {
      const full = await insertScreening(system.db, { total_seats: 2 });
      const client = as(server.api, user);
      const injected = proxy.failNextCommit(fault);
      const responses = await Promise.all([
        client.book(screeningId, 2),
        client.book(screeningId, 3, 'with-a-key'),
        client.book(full.id, 2),
        client.book(full.id, 2),
      ]);
      await injected;
      expect(countResponses(responses)).toEqual({ '201': 3, '409 not_enough_seats': 1 });
      expect(await system.seatsOf(screeningId)).toBe(95);
      await expectLedger(system.db, responses);
      const again = await client.book(screeningId, 3, 'with-a-key');
      expect(again.body).toEqual(responses[1].body);
      await expectPromisesKept(system.db);
    },
  );

  test('a look-up waits for a COMMIT that has not arrived yet, and nothing is booked twice', async () => {
    const injected = proxy.failNextCommit('delay');
    const response = as(server.api, user).book(screeningId, 2);
    await injected;
    // The look-up waits for the lock that the old transaction still holds.
    await untilWaiting(system.db, 1);
    // Control: a look-up without the lock would find nothing now and book a second time.
    expect(await system.db.query('SELECT FROM bookings')).toHaveLength(0);
    proxy.forwardDelayed();
    expect((await response).status).toBe(201);
    await expectLedger(system.db, [await response]);
    await expectPromisesKept(system.db);
  });

  test('a batch whose outcome stays unknown is answered 503 with Retry-After; its key tells the outcome later', async () => {
    const injected = proxy.failNextCommit('delay');
    const response = as(server.api, user).book(screeningId, 2, 'in-doubt');
    await injected;
    const received = await response;
    expect(received).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(Number(received.headers.get('retry-after'))).toBeGreaterThan(0);
    proxy.forwardDelayed();
    await until(async () => (await system.seatsOf(screeningId)) === 98);
    const again = await as(server.api, user).book(screeningId, 2, 'in-doubt');
    expect(again.status).toBe(201);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    await expectLedger(system.db, [again]);
  });

  test.each([
    ['is made', 1],
    ['takes its role', 2],
    ['is handed out', 3],
  ])(
    'a connection that PostgreSQL closes while it %s does not end the process, and the booking is made',
    async (_, times) => {
      const line = await startPostgresProxy(system.databaseUrl);
      const db = serviceDatabase(line.url);
      try {
        line.endNextConnectionWhenReady(times);
        const requests = [bookingRequest({ userId: user.id, screeningId })];
        const results = await runBatch(db, requests, batchSettings);
        expect(results.map(resultName)).toEqual(['booked']);
        expect(await system.seatsOf(screeningId)).toBe(99);
      } finally {
        await db.close();
        await line.stop();
      }
    },
  );

  test('control: nothing listens for errors of a connection that a plain pool hands out', async () => {
    const listeners = (pool: pg.Pool): Promise<number> =>
      new Promise((resolve, reject) => {
        pool.connect((error, client, release) => {
          if (error !== undefined) reject(error);
          else resolve(client!.listenerCount('error'));
          release();
        });
      });
    const plain = new pg.Pool({ connectionString: system.databaseUrl, max: 1 });
    const ours = serviceDatabase(system.databaseUrl);
    try {
      expect(await listeners(plain)).toBe(0);
      expect(await listeners(ours.pool)).toBeGreaterThan(0);
    } finally {
      await plain.end();
      await ours.close();
    }
  });

  test.each(['cut', 'lose'] as const)(
    'payment and booking agree after the fault "%s" at the COMMIT after the charge, and the key replays',
    async (fault) => {
      const simulated = makeSimulatedProvider(system.db, { lateMs: 0 });
      let injected: Promise<void> | undefined;
      const paying = await system.startProcess({
        databaseUrl: proxy.url,
        provider: {
          ...simulated,
          charge: async (charge, signal) => {
            const outcome = await simulated.charge(charge, signal);
            injected = proxy.failNextCommit(fault);
            return outcome;
          },
        },
      });
      const client = as(paying.api, user);
      const { id } = (await client.book(screeningId)).body.booking;
      const first = await client.pay(id, undefined, 'pay');
      expect(first.status).toBe(503);
      await injected;
      await system.db.query('UPDATE payments SET next_check_at = clock_timestamp()');
      await until(async () => (await client.booking(id)).body.booking.status === 'confirmed');
      const again = await client.pay(id, undefined, 'pay');
      expect(again.status).toBe(200);
      expect(again.headers.get('idempotent-replayed')).toBe('true');
      await expectPromisesKept(system.db);
    },
  );

  test.each(['cut', 'lose'] as const)(
    'a payment is charged at most once after the fault "%s" at its COMMIT, and its key tells the outcome',
    async (fault) => {
      const client = as(server.api, user);
      const { id } = (await client.book(screeningId)).body.booking;
      const injected = proxy.failNextCommit(fault);
      const first = await client.pay(id, undefined, 'pay');
      await injected;
      expect(first.status).toBe(503);
      const ended = async () => {
        const payments = await system.db.query<{ status: string }>('SELECT status FROM payments');
        return payments.every(({ status }) => status !== 'processing');
      };
      // Committed but never charged, since its request failed: the reconciler declines it.
      await system.db.query(
        `UPDATE payments SET next_check_at = clock_timestamp(), created_at = created_at - interval '1 minute'`,
      );
      await until(ended);
      const again = await client.pay(id, undefined, 'pay');
      expect(again.status).toBe(fault === 'cut' ? 402 : 200);
      await expectPromisesKept(system.db);
    },
  );
});

describe('a connection that PostgreSQL closes during a batch', () => {
  let system: BookingsSystem;
  beforeEach(async () => {
    system = await startBookingsSystem();
  });
  afterEach(() => system.stop());

  test('a batch whose backend is terminated while it waits for a lock runs again, and every request is booked once', async () => {
    const [user] = await system.users(1);
    const screening = await insertScreening(system.db);
    const lock = await lockScreenings(system.databaseUrl, [screening.id]);
    const client = as(system.server.api, user!);
    const responses = [client.book(screening.id), client.book(screening.id, 2, 'k')];
    await untilWaiting(system.db, 1);
    const ended = await system.db.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    expect(ended).toHaveLength(1);
    await lock.release();
    const received = await Promise.all(responses);
    expect(countResponses(received)).toEqual({ '201': 2 });
    expect(await system.seatsOf(screening.id)).toBe(97);
    await expectLedger(system.db, received);
    await expectPromisesKept(system.db);
  });

  test('no booking is lost or made twice when all connections are terminated repeatedly under load', async () => {
    const users = await system.users(10);
    const screening = await insertScreening(system.db, { total_seats: 2_000 });
    let answered = 0;
    let ended = 0;
    const endAll = async () => {
      const rows = await system.db.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'movie-ticketing-bookings'`,
      );
      ended += rows.length;
    };
    const buyers = users.map(async (user, at) => {
      const responses = [];
      for (let i = 0; i < 12; i += 1) {
        const key = `${String(at)}-${String(i)}`;
        const book = () => as(system.server.api, user).book(screening.id, 1, key);
        const first = book();
        if ((answered += 1) % 8 === 0) await endAll();
        let response = await first;
        // After 503 the outcome is unknown: repeating the key tells it.
        while (response.status === 503) response = await book();
        responses.push(response);
      }
      return responses;
    });
    const responses = (await Promise.all(buyers)).flat();
    expect(ended).toBeGreaterThan(10);
    expect(countResponses(responses)).toEqual({ '201': 120 });
    await expectLedger(system.db, responses);
    await expectPromisesKept(system.db);
  });
});
