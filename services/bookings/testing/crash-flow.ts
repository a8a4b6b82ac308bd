import { randomUUID } from 'node:crypto';

import type { Database } from '@movie-ticketing/kit/database';
import { createTestDatabase } from '@movie-ticketing/kit/testing/database';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { until, type Asked, type CrashClient, type Reply } from './crash-client.ts';
import { isDecisive, type Person } from './crash-load.ts';
import type { CrashHost, CrashProcess } from './crash-process.ts';
import { startWire, type Fault, type Wire } from './crash-wire.ts';
import { insertPeople, openOwner } from './crash-world.ts';

/** One service process on a database of its own, with a wire between that can be struck. */
export type Lane = {
  db: Database;
  wire: Wire;
  host: CrashHost;
  client: CrashClient;
  process: CrashProcess;
  restart: () => Promise<void>;
  newPerson: () => Promise<Person>;
  screeningId: number;
  close: () => Promise<void>;
};

const seats = 100;

export const openLane = async (
  host: CrashHost,
  client: CrashClient,
  program?: readonly string[],
): Promise<Lane> => {
  const database = await createTestDatabase();
  const db = openOwner(database.url);
  const wire = await startWire(database.url);
  const lane: Lane = {
    db,
    wire,
    host,
    client,
    process: await host.start(wire.url, program),
    restart: async () => {
      await lane.process.kill();
      wire.heal();
      lane.process = await host.start(wire.url, program);
    },
    newPerson: await insertPeople(db, host, 1_000),
    screeningId: (await insertScreening(db, { total_seats: seats })).id,
    close: async () => {
      await lane.process.kill();
      await wire.close();
      await db.close();
      await database.drop();
    },
  };
  // Its messages would count as those of a request.
  await until('expired keys are pruned', () => wire.hasPruned() || undefined);
  return lane;
};

type Step = 'book' | 'pay' | 'cancel' | 'refund';

/** Where a strike fell, what the client heard then, and what the same key told afterwards. */
export type Strike = {
  n: number;
  step: Step;
  heard: Reply | undefined;
  repeated: Reply | undefined;
};

/** Lets the reconciler look now at what it would look at in a few seconds. */
const hurry = (db: Database): Promise<unknown> =>
  db
    .query(
      `UPDATE payments SET next_check_at = clock_timestamp()
       WHERE status IN ('processing', 'refund_pending') AND next_check_at > clock_timestamp()`,
    )
    .catch(() => undefined);

/**
 * Books, pays and cancels with keys and waits for the refund, struck at the n-th message. After the
 * strike every request without a clear answer is repeated with its key until it has one.
 * @param kills whether the strike kills the process, or only takes its connection
 * @returns undefined when all was over before the n-th message
 */
export const runStruckFlow = async (
  lane: Lane,
  n: number,
  strike: { fault: Fault; kinds: string; kills: boolean },
): Promise<{ person: Person; booking: { id: number; reference: string }; strike?: Strike }> => {
  const person = await lane.newPerson();
  let step: Step = 'book';
  let fallen: Strike | undefined;
  const recovered = lane.wire.arm(n, strike.fault, strike.kinds).then(async () => {
    fallen = { n, step, heard: undefined, repeated: undefined };
    if (strike.kills) await lane.restart();
  });

  const ask = async (it: Pick<Asked, 'path' | 'body'>): Promise<Reply> => {
    const asked: Asked = { ...it, method: 'POST', token: person.token, key: randomUUID() };
    const heard = await lane.client.send(lane.process.url, asked);
    if (fallen?.step === step) fallen.heard ??= heard;
    if (isDecisive(heard)) return heard;
    if (fallen === undefined)
      throw new Error(`no clear answer though nothing fell: ${JSON.stringify(heard)}`);
    await recovered;
    const hurrying = setInterval(() => void hurry(lane.db), 100);
    const repeated = await until('the repeat has a clear answer', async () => {
      const reply = await lane.client.send(lane.process.url, asked);
      return isDecisive(reply) ? reply : undefined;
    }).finally(() => clearInterval(hurrying));
    if (fallen.step === step) fallen.repeated ??= repeated;
    return repeated;
  };

  const booked = await ask({
    path: '/bookings',
    body: { screening_id: lane.screeningId, num_tickets: 2 },
  });
  const { booking } = expectStatus(booked, 201);
  step = 'pay';
  const payment = { path: '/payments', body: { booking_id: booking.id } };
  const paid = await ask(payment);
  // The process died before it asked the provider: called off in the end, and the seats still held.
  if (paid.status === 402) expectStatus(await ask(payment), 200);
  else expectStatus(paid, 200);
  step = 'cancel';
  expectStatus(await ask({ path: `/bookings/${String(booking.id)}/cancel`, body: undefined }), 200);
  step = 'refund';
  await until('the booking is refunded', async () => {
    if (fallen !== undefined) await hurry(lane.db);
    const [row] = await lane.db.query('SELECT 1 FROM bookings WHERE id = $1 AND status = $2', [
      booking.id,
      'refunded',
    ]);
    return row;
  });
  lane.wire.disarm();
  if (fallen !== undefined) await recovered;
  return { person, booking, ...(fallen === undefined ? {} : { strike: fallen }) };
};

const expectStatus = (reply: Reply, status: number): any => {
  if (reply.status === status) return reply.body;
  throw new Error(`expected ${String(status)}, heard ${JSON.stringify(reply)}`);
};

/** What a finished flow must have left: one booking, charged once, paid back once, its seats free. */
export const checkFlow = async (
  lane: Lane,
  flow: { person: Person; booking: { id: number; reference: string } },
): Promise<string[]> => {
  const made = await lane.db.query<{ id: number; reference: string; status: string }>(
    'SELECT id, reference, status FROM bookings WHERE user_id = $1',
    [flow.person.id],
  );
  const payments = await lane.db.query<{ status: string; charged: boolean; paid_back: boolean }>(
    `SELECT p.status, coalesce(c.outcome = 'approved', false) AS charged, c.refunded_at IS NOT NULL AS paid_back
     FROM payments p LEFT JOIN simulated_charges c ON c.key = p.id::text
     WHERE p.booking_id = $1 AND (p.status <> 'declined' OR c.outcome = 'approved')`,
    [flow.booking.id],
  );
  const [screening] = await lane.db.query<{ available_seats: number }>(
    'SELECT available_seats FROM screenings WHERE id = $1',
    [lane.screeningId],
  );
  const expected = {
    made: [{ id: flow.booking.id, reference: flow.booking.reference, status: 'refunded' }],
    payments: [{ status: 'refunded', charged: true, paid_back: true }],
    seats,
  };
  const found = { made, payments, seats: screening?.available_seats };
  return JSON.stringify(found) === JSON.stringify(expected) ? [] : [JSON.stringify(found)];
};

/** Strikes at every n from 1 until flows end unstruck, the lanes taking turns. */
export const strikeEverywhere = async (
  lanes: readonly Lane[],
  strike: { fault: Fault; kinds: string; kills: boolean },
): Promise<{ strikes: Strike[]; broken: string[] }> => {
  const strikes: Strike[] = [];
  const broken: string[] = [];
  let n = 0;
  let missed = 0;
  const run = async (lane: Lane): Promise<void> => {
    // A few beyond the first miss: a statement is parsed once a connection, so that flows differ.
    while (missed < 4) {
      n += 1;
      const mine = n;
      const flow = await runStruckFlow(lane, mine, strike);
      if (flow.strike === undefined) missed += 1;
      else strikes.push(flow.strike);
      broken.push(...(await checkFlow(lane, flow)).map((it) => `struck at ${String(mine)}: ${it}`));
    }
  };
  await Promise.all(lanes.map(run));
  return { strikes, broken };
};

/** How many strikes fell in each step, and what became of the requests they fell on. */
export const countStrikes = (strikes: readonly Strike[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { step, heard, repeated } of strikes.toSorted((a, b) => a.n - b.n)) {
    const replay =
      repeated !== undefined && 'replayed' in repeated && repeated.replayed ? ' replayed' : '';
    const name = `${step}: ${String(heard?.status ?? 'nothing asked')}${repeated === undefined ? '' : `, repeat ${String(repeated.status)}${replay}`}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
};
