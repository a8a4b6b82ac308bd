import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  drawnPlan,
  insertScreening,
  insertSeatedScreening,
} from '@movie-ticketing/catalog/testing/builders';
import type { Database } from '@movie-ticketing/kit/database';
import fc from 'fast-check';

import { commandSequences, type SequenceOfCommands } from '../testing/bookings-commands.ts';
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

  let lastSequence: Promise<void> = Promise.resolve();

  const followSequence = async (
    kind: Kind,
    change: (real: RealBookings) => RealBookings,
    commands: SequenceOfCommands,
  ): Promise<void> => {
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
  };

  /** @param change adds a defect to the real bookings, for the control */
  const follow = (kind: Kind, change: (real: RealBookings) => RealBookings = (real) => real) =>
    fc.asyncProperty(commandSequences, (commands) => {
      lastSequence = followSequence(kind, change, commands);
      return lastSequence;
    });

  /**
   * At the time limit fast-check reports its result while the last sequence still runs. Waits for that one
   * too: its background rounds would settle payments of the next test.
   */
  const check = async (
    property: ReturnType<typeof follow>,
    options: { endOnFailure?: boolean } = {},
  ) => {
    const limits = {
      numRuns: 1_000,
      interruptAfterTimeLimit: 15_000,
      markInterruptAsFailure: false,
    };
    const result = await fc.check(property, { ...limits, ...options });
    await Promise.allSettled([lastSequence]);
    return result;
  };

  test.each<Kind>(['general admission', 'numbered seats'])(
    'every status and number of seats of %s agrees with the model after each command',
    async (kind) => {
      const result = await check(follow(kind));
      if (result.failed) throw new Error(fc.defaultReportMessage(result));
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
    const result = await check(follow('general admission', forgetful), {
      endOnFailure: true,
    });
    expect(result.failed).toBe(true);
  }, 300_000);
});
