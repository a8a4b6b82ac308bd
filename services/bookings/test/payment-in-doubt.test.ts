import { afterEach, describe, expect, test } from '@jest/globals';
import type { Database } from '@movie-ticketing/kit/database';
import { silentLogger } from '@movie-ticketing/kit/testing/api';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { until } from '@movie-ticketing/kit/testing/until';
import type { PaymentProvider } from '../src/payments/payment-provider.ts';
import { reconcilePayments } from '../src/payments/payment-reconciler.ts';
import { makeSimulatedProvider } from '../src/payments/simulated-provider.ts';
import { as, hold } from '../testing/clients.ts';
import { expectPromisesKept } from '../testing/promises.ts';
import { gated, watched } from '../testing/providers.ts';
import { startBookingsSystem, type BookingsSystem } from '../testing/system.ts';

const idleInTransaction = async (db: Database): Promise<number> => {
  const rows = await db.query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`,
  );
  return rows.length;
};

describe('a slow payment provider', () => {
  let system: BookingsSystem;
  afterEach(() => system.stop());

  test('no transaction is open and no lock is held while the provider does not respond', async () => {
    system = await startBookingsSystem({ processes: 0 });
    const { provider, gate } = gated(makeSimulatedProvider(system.db, { lateMs: 0 }));
    await system.startProcess({ provider });
    const screening = await insertScreening(system.db);
    const [user] = await system.users(1);
    const client = as(system.server.api, user!);
    const { id } = await hold(system, user!, screening.id);
    const paying = client.pay(id);
    await gate.reached;
    expect(await idleInTransaction(system.db)).toBe(0);
    // Neither another booking nor a lock on the booking's row waits for it.
    expect((await client.book(screening.id)).status).toBe(201);
    const [row] = await system.db.query(
      `SELECT status FROM bookings WHERE id = $1 FOR UPDATE NOWAIT`,
      [id],
    );
    expect(row).toEqual({ status: 'pending' });
    gate.open();
    expect((await paying).status).toBe(200);
    await expectPromisesKept(system.db);
  });

  test('control: a charge inside the transaction keeps the row locked until the provider responds', async () => {
    system = await startBookingsSystem();
    const screening = await insertScreening(system.db);
    const [user] = await system.users(1);
    const { id } = await hold(system, user!, screening.id);
    const { provider, gate } = gated(makeSimulatedProvider(system.db, { lateMs: 0 }));
    const naive = system.db.transaction(async (tx) => {
      await tx.query('SELECT FROM bookings WHERE id = $1 FOR NO KEY UPDATE', [id]);
      await provider.charge(
        { key: 'naive', amountMinor: 1, currency: 'USD', token: undefined },
        AbortSignal.timeout(5_000),
      );
    });
    await gate.reached;
    expect(await idleInTransaction(system.db)).toBe(1);
    await expect(
      system.db.query(`SELECT FROM bookings WHERE id = $1 FOR UPDATE NOWAIT`, [id]),
    ).rejects.toMatchObject({ code: 'overloaded' });
    gate.open();
    await naive;
  });

  test('a request and two reconcilers settle one payment at the same time: it is settled once with one charge', async () => {
    system = await startBookingsSystem({ processes: 0 });
    const provider = watched(makeSimulatedProvider(system.db, { lateMs: 0 }));
    const screening = await insertScreening(system.db);
    const [user] = await system.users(1);
    await system.startProcess({
      provider: {
        ...provider,
        charge: async (charge, signal) => {
          const outcome = await provider.charge(charge, signal);
          // The provider has decided; the next look-up settles the payment.
          await system.db.query('UPDATE payments SET next_check_at = clock_timestamp()');
          await Promise.all([reconcile(system, provider, 60_000), reconcile(system, provider, 0)]);
          return outcome;
        },
      },
    });
    for (let round = 0; round < 5; round += 1) {
      const { id } = await hold(system, user!, screening.id);
      const paid = await as(system.server.api, user!).pay(id);
      expect(paid).toMatchObject({ status: 200, body: { payment: { status: 'succeeded' } } });
    }
    expect(provider.charges).toHaveLength(5);
    await expectPromisesKept(system.db);
  });

  test('a payment that is abandoned before its charge arrives is declined and not charged', async () => {
    system = await startBookingsSystem({ processes: 0 });
    const simulated = makeSimulatedProvider(system.db, { lateMs: 0 });
    const { provider, gate } = gated(simulated);
    await system.startProcess({ provider });
    const screening = await insertScreening(system.db);
    const [user] = await system.users(1);
    const { id } = await hold(system, user!, screening.id);
    const paying = as(system.server.api, user!).pay(id);
    await gate.reached;
    // The process paused for long (or its network was slow): the others have abandoned the payment.
    await system.db.query('UPDATE payments SET next_check_at = clock_timestamp()');
    await until(async () => {
      await reconcile(system, simulated, 0);
      const open = await system.db.query(`SELECT FROM payments WHERE status = 'processing'`);
      return open.length === 0;
    });
    gate.open();
    expect(await paying).toMatchObject({ status: 402, body: { code: 'payment_declined' } });
    await expectPromisesKept(system.db);
  });

  test('a refund that fails is retried until the provider confirms it, and refunded once', async () => {
    system = await startBookingsSystem({ processes: 0 });
    const simulated = makeSimulatedProvider(system.db, { lateMs: 0 });
    let failures = 2;
    const provider = watched({
      ...simulated,
      refund: async (key, signal) => {
        // The first call fails, the second succeeds but its response is lost.
        failures -= 1;
        if (failures === 1) throw new Error('the provider is away');
        await simulated.refund(key, signal);
        if (failures === 0) throw new Error('the response was lost');
      },
    });
    const screening = await insertScreening(system.db);
    const [user] = await system.users(1);
    await system.startProcess({ provider });
    const client = as(system.server.api, user!);
    const { id } = await hold(system, user!, screening.id);
    const paid = await client.pay(id);
    await client.cancel(id);
    await until(async () => {
      await system.db.query('UPDATE payments SET next_check_at = clock_timestamp()');
      return (await client.payment(paid.body.payment.id)).body.payment.status === 'refunded';
    });
    expect(provider.refunds.length).toBeGreaterThanOrEqual(3);
    expect((await client.booking(id)).body.booking.status).toBe('refunded');
    await expectPromisesKept(system.db);
  });

  test.each([
    ['fails', () => Promise.reject(new Error('no'))],
    ['never returns', () => new Promise<never>(() => undefined)],
  ])('a refund whose call %s does not stop the others of its round', async (_case, fail) => {
    system = await startBookingsSystem({ processes: 0 });
    const simulated = makeSimulatedProvider(system.db, { lateMs: 0 });
    await system.startProcess({ provider: simulated });
    const screening = await insertScreening(system.db);
    const [user] = await system.users(1);
    const client = as(system.server.api, user!);
    const payments: number[] = [];
    for (let i = 0; i < 3; i += 1) {
      const { id } = await hold(system, user!, screening.id);
      payments.push((await client.pay(id)).body.payment.id);
    }
    await system.server.stop();
    await system.db.query(`UPDATE bookings SET status = 'cancelled'`);
    await system.db.query('UPDATE screenings SET available_seats = total_seats');
    await system.db.query(
      `UPDATE payments SET status = 'refund_pending', next_check_at = clock_timestamp()`,
    );
    const broken = String(payments[1]);
    await reconcile(
      system,
      {
        ...simulated,
        refund: (key, signal) => (key === broken ? fail() : simulated.refund(key, signal)),
      },
      60_000,
      100,
    );
    const rows = await system.db.query<{ status: string }>(
      'SELECT status FROM payments ORDER BY id',
    );
    expect(rows.map(({ status }) => status)).toEqual(['refunded', 'refund_pending', 'refunded']);
    await expectPromisesKept(system.db);
  });
});

const reconcile = (
  system: BookingsSystem,
  provider: PaymentProvider,
  abandonAfterMs: number,
  timeoutMs = 60_000,
) =>
  reconcilePayments({
    db: system.db,
    provider,
    abandonAfterMs,
    timeoutMs,
    logger: silentLogger,
    observe: () => undefined,
  });
