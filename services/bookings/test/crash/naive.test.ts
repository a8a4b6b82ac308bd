import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { makeCrashClient } from '../../testing/crash-client.ts';
import { checkFlow, openLane, runFlowWithFault, type Lane } from '../../testing/crash-flow.ts';
import { compareLedger } from '../../testing/crash-ledger.ts';
import type { Entry } from '../../testing/crash-load.ts';
import { startCrashHost, type CrashHost } from '../../testing/crash-process.ts';

/** Controls of the other crash tests: a service with one defect fails the same checks. */
const naive = fileURLToPath(new URL('./naive.child.ts', import.meta.url));

// BEGIN, three statements of Execute and Sync each, COMMIT.
const commitOfBooking = 8;
const kinds = 'QES';

let host: CrashHost;
const client = makeCrashClient();

beforeAll(async () => {
  host = await startCrashHost({ PAYMENT_ABANDON_SECONDS: '1' });
});

afterAll(async () => {
  client.close();
  await host.stop();
});

const withLane = async <T>(
  program: readonly string[] | undefined,
  work: (lane: Lane) => Promise<T>,
): Promise<T> => {
  const lane = await openLane(host, client, program);
  try {
    return await work(lane);
  } finally {
    await lane.close();
  }
};

describe('a process that is killed before it sends COMMIT', () => {
  /** Withholds the COMMIT of a booking, then kills the process. */
  const bookAndDie = async (lane: Lane, responses: boolean): Promise<Entry> => {
    const user = await lane.newUser();
    const entry: Entry = {
      kind: 'book',
      user,
      method: 'POST',
      path: '/bookings',
      token: user.token,
      key: 'key',
      body: { screening_id: lane.screeningId, num_tickets: 2 },
      bookingId: undefined,
      replies: [],
    };
    const injected = lane.wire.arm(commitOfBooking, 'swallow', kinds);
    const reply = client.send(lane.process.url, entry);
    await injected;
    if (responses) await reply;
    await lane.restart();
    entry.replies.push(await reply);
    return entry;
  };

  test('control: a service that responds before COMMIT loses a booking, and the ledger detects it', () =>
    withLane([naive, 'response-first'], async (lane) => {
      const entry = await bookAndDie(lane, true);
      expect(entry.replies.map(({ status }) => status)).toEqual([201]);
      expect(await compareLedger(lane.db, [entry])).toEqual([expect.stringContaining('lost')]);
    }));

  test('the service has not responded, and a repeat makes the booking', () =>
    withLane(undefined, async (lane) => {
      const entry = await bookAndDie(lane, false);
      entry.replies.push(await client.send(lane.process.url, entry));
      expect(entry.replies.map(({ status }) => status)).toEqual(['none', 201]);
      expect(await compareLedger(lane.db, [entry])).toEqual([]);
    }));
});

describe('a process that is killed right after COMMIT', () => {
  const plan = { fault: 'silence', kinds, kills: true } as const;

  test('control: a service that stores keys in another transaction books twice for one key, and the check detects it', () =>
    withLane([naive, 'key-apart'], async (lane) => {
      // It looks up the key first.
      const flow = await runFlowWithFault(lane, 2 + commitOfBooking, plan);
      expect(flow.injection).toMatchObject({ step: 'book', response: { status: 'none' } });
      const made = await lane.db.query('SELECT status FROM bookings ORDER BY id');
      expect(made).toEqual([{ status: 'pending' }, { status: 'refunded' }]);
      expect(await checkFlow(lane, flow)).toHaveLength(1);
    }));

  test('the service replays the first response', () =>
    withLane(undefined, async (lane) => {
      const flow = await runFlowWithFault(lane, commitOfBooking, plan);
      expect(flow.injection).toMatchObject({
        response: { status: 'none' },
        repeated: { replayed: true },
      });
      expect(await checkFlow(lane, flow)).toEqual([]);
    }));
});
