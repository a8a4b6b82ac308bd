import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { makeCrashClient } from '../../testing/crash-client.ts';
import { checkFlow, openLane, runStruckFlow, type Lane } from '../../testing/crash-flow.ts';
import { compareLedger } from '../../testing/crash-ledger.ts';
import type { Entry } from '../../testing/crash-load.ts';
import { startCrashHost, type CrashHost } from '../../testing/crash-process.ts';

/** Controls of the other crash tests: with one mistake in the service, the same strikes are noticed. */
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

describe('when the process dies before COMMIT has left it', () => {
  /** The COMMIT of a booking is held back, then the process dies. */
  const bookAndDie = async (lane: Lane, answers: boolean): Promise<Entry> => {
    const person = await lane.newPerson();
    const entry: Entry = {
      kind: 'book',
      person,
      method: 'POST',
      path: '/bookings',
      token: person.token,
      key: 'key',
      body: { screening_id: lane.screeningId, num_tickets: 2 },
      bookingId: undefined,
      replies: [],
    };
    const struck = lane.wire.arm(commitOfBooking, 'swallow', kinds);
    const reply = client.send(lane.process.url, entry);
    await struck;
    if (answers) await reply;
    await lane.restart();
    entry.replies.push(await reply);
    return entry;
  };

  test('then one that answers first has lost an answered booking, and the ledger tells', () =>
    withLane([naive, 'answer-first'], async (lane) => {
      const entry = await bookAndDie(lane, true);
      expect(entry.replies.map(({ status }) => status)).toEqual([201]);
      expect(await compareLedger(lane.db, [entry])).toEqual([expect.stringContaining('lost')]);
    }));

  test('then ours has answered nothing, and the repeat makes it', () =>
    withLane(undefined, async (lane) => {
      const entry = await bookAndDie(lane, false);
      entry.replies.push(await client.send(lane.process.url, entry));
      expect(entry.replies.map(({ status }) => status)).toEqual(['none', 201]);
      expect(await compareLedger(lane.db, [entry])).toEqual([]);
    }));
});

describe('when the process dies right after COMMIT', () => {
  const strike = { fault: 'silence', kinds, kills: true } as const;

  test('then one that stores its keys apart books twice for one key, and the check tells', () =>
    withLane([naive, 'key-apart'], async (lane) => {
      // Its look for the key comes first.
      const flow = await runStruckFlow(lane, 2 + commitOfBooking, strike);
      expect(flow.strike).toMatchObject({ step: 'book', heard: { status: 'none' } });
      const made = await lane.db.query('SELECT status FROM bookings ORDER BY id');
      expect(made).toEqual([{ status: 'pending' }, { status: 'refunded' }]);
      expect(await checkFlow(lane, flow)).toHaveLength(1);
    }));

  test('then ours replays the first answer', () =>
    withLane(undefined, async (lane) => {
      const flow = await runStruckFlow(lane, commitOfBooking, strike);
      expect(flow.strike).toMatchObject({
        heard: { status: 'none' },
        repeated: { replayed: true },
      });
      expect(await checkFlow(lane, flow)).toEqual([]);
    }));
});
