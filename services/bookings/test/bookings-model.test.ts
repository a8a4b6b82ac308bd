import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  drawnPlan,
  insertScreening,
  insertSeatedScreening,
} from '@movie-ticketing/catalog/testing/builders';
import type { Database } from '@movie-ticketing/kit/database';
import fc from 'fast-check';

import { commandSequences } from '../testing/bookings-commands.ts';
import { serviceDatabase } from '../testing/booking-requests.ts';
import { expectPromisesKept } from '../testing/promises.ts';
import { startRealBookings, type RealBookings } from '../testing/real-bookings.ts';
import { startBookingsSystem, type BookingsSystem, type TestUser } from '../testing/system.ts';

const totals = [7, 4] as const;

describe('random sequences of commands', () => {
  let system: BookingsSystem;
  let db: Database;
  let users: TestUser[];
  beforeAll(async () => {
    system = await startBookingsSystem({ processes: 0 });
    db = serviceDatabase(system.databaseUrl);
    users = await system.users(2);
  });
  afterAll(async () => {
    await db.close();
    await system.stop();
  });

  const kinds = {
    'general admission': (total_seats: number) => insertScreening(system.db, { total_seats }),
    'numbered seats': (total: number) =>
      insertSeatedScreening(system.db, drawnPlan(['s'.repeat(total - 2), 'ss'])),
  };
  type Kind = keyof typeof kinds;

  /** @param change adds a defect to the real bookings, for the control */
  const follow = (kind: Kind, change: (real: RealBookings) => RealBookings = (real) => real) =>
    fc.asyncProperty(commandSequences, async (commands) => {
      const model = {
        screenings: totals.map((total) => ({ total, cancelled: false })),
        bookings: [],
        keys: new Map(),
      };
      const real = change(await startRealBookings(system, db, users, totals, kinds[kind]));
      try {
        await fc.asyncModelRun(() => ({ model, real }), commands);
      } finally {
        // Holds and payments that are still open must not affect the next sequence.
        await real.reconcile(true);
        await real.reconcile(true);
      }
    });

  const bounded = {
    numRuns: 1_000,
    interruptAfterTimeLimit: 15_000,
    markInterruptAsFailure: false,
  };

  test.each<Kind>(['general admission', 'numbered seats'])(
    'every status and number of seats of %s agrees with the model after each command',
    async (kind) => {
      const result = await fc.check(follow(kind), bounded);
      expect(result.counterexample).toBeNull();
      expect(result.numRuns).toBeGreaterThan(20);
      await expectPromisesKept(system.db);
    },
    300_000,
  );

  test('control: the model detects a cancellation that releases one seat too few', async () => {
    const forgetful = (real: RealBookings): RealBookings => ({
      ...real,
      cancel: async (index) => {
        const outcome = await real.cancel(index);
        if (outcome === 'ok') {
          await system.db.query(
            'UPDATE screenings SET available_seats = available_seats - 1 WHERE id = $1',
            [real.screenings[0]],
          );
        }
        return outcome;
      },
    });
    const result = await fc.check(follow('general admission', forgetful), {
      ...bounded,
      endOnFailure: true,
    });
    expect(result.failed).toBe(true);
  }, 300_000);
});
