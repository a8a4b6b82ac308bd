import { randomUUID } from 'node:crypto';

import type { Database } from '@movie-ticketing/kit/database';
import { createTestDatabase } from '@movie-ticketing/kit/testing/database';

import { insertScreening } from '@movie-ticketing/catalog/testing/builders';
import { until, type CrashClient, type Reply, type TestRequest } from './crash-client.ts';
import { isDecisive, type TestUser } from './crash-load.ts';
import type { CrashHost, CrashProcess } from './crash-process.ts';
import { startWire, type Fault, type Wire } from './crash-wire.ts';
import { insertUsers, openOwner } from './crash-world.ts';

/** One service process on a database of its own, connected through a proxy that can inject a fault. */
export type Lane = {
  db: Database;
  wire: Wire;
  host: CrashHost;
  client: CrashClient;
  process: CrashProcess;
  restart: () => Promise<void>;
  newUser: () => Promise<TestUser>;
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
    newUser: await insertUsers(db, host, 1_000),
    screeningId: (await insertScreening(db, { total_seats: seats })).id,
    close: async () => {
      await lane.process.kill();
      await wire.close();
      await db.close();
      await database.drop();
    },
  };
  // Otherwise its messages would count as those of a request.
  await until('expired keys are pruned', () => wire.hasPruned() || undefined);
  return lane;
};

type Step = 'book' | 'pay' | 'cancel' | 'refund';

/** An injected fault: its place, the response of the client, and the response to the repeat. */
export type Injection = {
  n: number;
  step: Step;
  response: Reply | undefined;
  repeated: Reply | undefined;
};

/** Makes the open payments due, so that the reconciler does not wait a few seconds. */
const makePaymentsDue = (db: Database): Promise<unknown> =>
  db
    .query(
      `UPDATE payments SET next_check_at = clock_timestamp()
       WHERE status IN ('processing', 'refund_pending') AND next_check_at > clock_timestamp()`,
    )
    .catch(() => undefined);

/**
 * Books, pays and cancels with keys and waits for the refund, with a fault at the n-th message. After the
 * fault every request with an unknown outcome is repeated with its key until the outcome is known.
 * @param kills whether the process is killed too, or only loses its connection
 * @returns without `injection` if the flow ended before the n-th message
 */
export const runFlowWithFault = async (
  lane: Lane,
  n: number,
  plan: { fault: Fault; kinds: string; kills: boolean },
): Promise<{
  user: TestUser;
  booking: { id: number; reference: string };
  injection?: Injection;
}> => {
  const user = await lane.newUser();
  let step: Step = 'book';
  let injected: Injection | undefined;
  const recovered = lane.wire.arm(n, plan.fault, plan.kinds).then(async () => {
    injected = { n, step, response: undefined, repeated: undefined };
    if (plan.kills) await lane.restart();
  });

  const ask = async (it: Pick<TestRequest, 'path' | 'body'>): Promise<Reply> => {
    const request: TestRequest = { ...it, method: 'POST', token: user.token, key: randomUUID() };
    const response = await lane.client.send(lane.process.url, request);
    if (injected?.step === step) injected.response ??= response;
    if (isDecisive(response)) return response;
    if (injected === undefined)
      throw new Error(`unknown outcome without a fault: ${JSON.stringify(response)}`);
    await recovered;
    const makingDue = setInterval(() => void makePaymentsDue(lane.db), 100);
    const repeated = await until('the repeat has an outcome', async () => {
      const reply = await lane.client.send(lane.process.url, request);
      return isDecisive(reply) ? reply : undefined;
    }).finally(() => clearInterval(makingDue));
    if (injected.step === step) injected.repeated ??= repeated;
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
  // The process was killed before the charge: the payment is abandoned and the seats are still held.
  if (paid.status === 402) expectStatus(await ask(payment), 200);
  else expectStatus(paid, 200);
  step = 'cancel';
  expectStatus(await ask({ path: `/bookings/${String(booking.id)}/cancel`, body: undefined }), 200);
  step = 'refund';
  await until('the booking is refunded', async () => {
    if (injected !== undefined) await makePaymentsDue(lane.db);
    const [row] = await lane.db.query('SELECT 1 FROM bookings WHERE id = $1 AND status = $2', [
      booking.id,
      'refunded',
    ]);
    return row;
  });
  lane.wire.disarm();
  if (injected !== undefined) await recovered;
  return { user, booking, ...(injected === undefined ? {} : { injection: injected }) };
};

const expectStatus = (reply: Reply, status: number): any => {
  if (reply.status === status) return reply.body;
  throw new Error(`expected ${String(status)}, received ${JSON.stringify(reply)}`);
};

/** The expected result of a flow: one booking, charged once, refunded once, its seats available. */
export const checkFlow = async (
  lane: Lane,
  flow: { user: TestUser; booking: { id: number; reference: string } },
): Promise<string[]> => {
  const made = await lane.db.query<{ id: number; reference: string; status: string }>(
    'SELECT id, reference, status FROM bookings WHERE user_id = $1',
    [flow.user.id],
  );
  const payments = await lane.db.query<{ status: string; charged: boolean; refunded: boolean }>(
    `SELECT p.status, coalesce(c.outcome = 'approved', false) AS charged, c.refunded_at IS NOT NULL AS refunded
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
    payments: [{ status: 'refunded', charged: true, refunded: true }],
    seats,
  };
  const found = { made, payments, seats: screening?.available_seats };
  return JSON.stringify(found) === JSON.stringify(expected) ? [] : [JSON.stringify(found)];
};

/** Runs flows with a fault at every n from 1 until flows end before it, the lanes taking turns. */
export const injectEverywhere = async (
  lanes: readonly Lane[],
  plan: { fault: Fault; kinds: string; kills: boolean },
): Promise<{ injections: Injection[]; broken: string[] }> => {
  const injections: Injection[] = [];
  const broken: string[] = [];
  let n = 0;
  let missed = 0;
  const run = async (lane: Lane): Promise<void> => {
    // A few beyond the first miss: a statement is parsed once per connection, so flows differ in length.
    while (missed < 4) {
      n += 1;
      const at = n;
      const flow = await runFlowWithFault(lane, at, plan);
      if (flow.injection === undefined) missed += 1;
      else injections.push(flow.injection);
      broken.push(...(await checkFlow(lane, flow)).map((it) => `fault at ${String(at)}: ${it}`));
    }
  };
  await Promise.all(lanes.map(run));
  return { injections, broken };
};

/** The number of faults in each step, by the outcome of the request they affected. */
export const countInjections = (injections: readonly Injection[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { step, response, repeated } of injections.toSorted((a, b) => a.n - b.n)) {
    const replay =
      repeated !== undefined && 'replayed' in repeated && repeated.replayed ? ' replayed' : '';
    const name = `${step}: ${String(response?.status ?? 'no request')}${repeated === undefined ? '' : `, repeat ${String(repeated.status)}${replay}`}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
};
