import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { ask, bookingStatus, register, upcomingScreenings } from './customer.ts';

/** A request without a response, or with 5xx, has failed. */
export type LoadResult = {
  requests: number;
  failed: string[];
  /** Acknowledged bookings and payments. */
  booked: number[];
  paid: number[];
  /** The longest time without a successful response, in milliseconds. */
  longestGapMs: number;
};

export type Load = {
  token: string;
  /** Number of requests that succeeded so far. */
  answered: () => number;
  stop: () => Promise<LoadResult>;
};

type Journal = { result: LoadResult; lastSuccess: number };

const request = async (
  journal: Journal,
  what: string,
  send: () => ReturnType<typeof ask>,
  fine: readonly number[],
): ReturnType<typeof ask> => {
  journal.result.requests += 1;
  try {
    const answer = await send();
    if (fine.includes(answer.status)) {
      const now = performance.now();
      const gap = now - journal.lastSuccess;
      journal.result.longestGapMs = Math.max(journal.result.longestGapMs, gap);
      journal.lastSuccess = now;
    } else {
      const when = new Date().toISOString().slice(11, 23);
      const code = String(answer.body?.code ?? '');
      journal.result.failed.push(`${when} ${what} ${String(answer.status)} ${code}`);
    }
    return answer;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const when = new Date().toISOString().slice(11, 23);
    journal.result.failed.push(`${when} ${what} ${String(cause)}`);
    return { status: 0, body: undefined };
  }
};

const buyer = async (
  journal: Journal,
  options: { url: string; token: string; screenings: number[]; thinkMs: number },
  isStopped: () => boolean,
): Promise<void> => {
  const { url, token, screenings, thinkMs } = options;
  while (!isStopped()) {
    const screening = screenings[Math.floor(Math.random() * screenings.length)] ?? 0;
    await request(journal, 'read', () => ask(url, `/screenings/${String(screening)}`), [200]);
    const made = await request(
      journal,
      'book',
      () =>
        ask(url, '/bookings', {
          token,
          key: randomUUID(),
          body: { screening_id: screening, num_tickets: 1 },
        }),
      [201, 409],
    );
    if (made.status === 201) {
      const id = made.body.booking.id as number;
      journal.result.booked.push(id);
      const paid = await request(
        journal,
        'pay',
        () => ask(url, '/payments', { token, key: randomUUID(), body: { booking_id: id } }),
        [200, 202],
      );
      if (paid.status === 200) journal.result.paid.push(id);
    }
    await pause(thinkMs);
  }
};

const running = new Set<() => Promise<LoadResult>>();

/** For afterAll, because a failed test does not stop its load. */
export const stopLoads = async (): Promise<void> => {
  await Promise.all([...running].map((stop) => stop()));
};

/** Customers who read, book and pay until they are stopped. Load is bounded and goes to 127.0.0.1 only. */
export const startLoad = async (
  url: string,
  { buyers = 4, thinkMs = 30 }: { buyers?: number; thinkMs?: number } = {},
): Promise<Load> => {
  if (!url.startsWith('http://127.0.0.1:')) throw new Error('load may go to 127.0.0.1 only');
  const token = await register(url);
  // The first ones are for buyTicket, because the load sells these out sooner or later.
  const screenings = (await upcomingScreenings(url)).slice(10);
  const journal: Journal = {
    result: { requests: 0, failed: [], booked: [], paid: [], longestGapMs: 0 },
    lastSuccess: performance.now(),
  };
  let stopped = false;
  const customers = Array.from({ length: buyers }, () =>
    buyer(journal, { url, token, screenings, thinkMs }, () => stopped),
  );
  const stop = async (): Promise<LoadResult> => {
    stopped = true;
    await Promise.all(customers);
    running.delete(stop);
    return journal.result;
  };
  running.add(stop);
  return {
    token,
    answered: () => journal.result.requests - journal.result.failed.length,
    stop,
  };
};

/** Acknowledged bookings that are gone or, if paid, not confirmed. */
export const lostOf = async (url: string, token: string, result: LoadResult): Promise<string[]> => {
  const paid = new Set(result.paid);
  const lost: string[] = [];
  for (let start = 0; start < result.booked.length; start += 20) {
    const some = result.booked.slice(start, start + 20);
    const statuses = await Promise.all(some.map((id) => bookingStatus(url, token, id)));
    for (const [index, status] of statuses.entries()) {
      const id = some[index] ?? 0;
      const kept = paid.has(id) ? status === 'confirmed' : /pending|confirmed/.test(status);
      if (!kept) lost.push(`booking ${String(id)} is ${status}`);
    }
  }
  return lost;
};
