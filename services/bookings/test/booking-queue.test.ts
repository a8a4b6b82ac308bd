import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { makeBookingQueue } from '../src/batch/booking-queue.ts';
import type { BookingRequest, BookingResult } from '../src/batch/booking-request.ts';
import type { Booking } from '../src/bookings/bookings.schema.ts';
import { bookingRequest } from '../testing/booking-requests.ts';

const requestOf = (userId: number): BookingRequest => bookingRequest({ userId, screeningId: 1 });

const booked = ({ userId }: Pick<BookingRequest, 'userId'>): BookingResult => ({
  kind: 'booked',
  booking: { userId } as Booking,
});

const stays = (): boolean => false;

/** Every fifth request is refused. */
const resultOf = ({ userId }: Pick<BookingRequest, 'userId'>): BookingResult =>
  userId % 5 === 0
    ? { kind: 'refused', code: 'not_found', detail: String(userId) }
    : booked({ userId });

type Batch = {
  requests: readonly BookingRequest[];
  response: (results?: BookingResult[]) => void;
  fail: (error: Error) => void;
};

/** A queue whose batches run until the test ends them. */
const startQueue = (limit = 5_000) => {
  const batches: Batch[] = [];
  let arrived: () => void = () => undefined;
  const queue = makeBookingQueue({
    limit,
    run: async (requests) => {
      // A pool too hands out its connection in a later tick.
      await new Promise<void>((resolve) => {
        process.nextTick(resolve);
      });
      return new Promise((resolve, reject) => {
        batches.push({
          requests,
          response: (results) => {
            resolve(results ?? requests.map(booked));
          },
          fail: reject,
        });
        arrived();
      });
    },
  });
  const batch = async (index: number): Promise<Batch> => {
    while (batches[index] === undefined) {
      await new Promise<void>((resolve) => {
        arrived = resolve;
      });
    }
    return batches[index];
  };
  return { queue, batches, batch };
};

const usersOf = ({ requests }: Batch): number[] => requests.map(({ userId }) => userId);

describe('the booking queue', () => {
  test('requests that arrive during a batch share the next one, in order of arrival', async () => {
    const { queue, batch, batches } = startQueue();
    const first = queue.submit(requestOf(1), stays);
    const one = await batch(0);
    const others = [2, 3, 4, 5].map((userId) => queue.submit(requestOf(userId), stays));
    expect(queue.depth).toBe(4);
    expect(batches).toHaveLength(1);
    one.response();
    expect(await first).toEqual(booked({ userId: 1 }));
    const two = await batch(1);
    expect(usersOf(two)).toEqual([2, 3, 4, 5]);
    two.response();
    expect(await Promise.all(others)).toEqual([2, 3, 4, 5].map((userId) => booked({ userId })));
  });

  test('a batch takes at most 500 requests, and the others follow', async () => {
    const { queue, batch } = startQueue();
    const responses = Array.from({ length: 1_201 }, (_, userId) =>
      queue.submit(requestOf(userId), stays),
    );
    const sizes: number[] = [];
    const seen: number[] = [];
    for (let index = 0; seen.length < 1_201; index += 1) {
      const next = await batch(index);
      sizes.push(next.requests.length);
      seen.push(...usersOf(next));
      next.response();
    }
    expect(sizes).toEqual([500, 500, 201]);
    expect(seen).toEqual(Array.from({ length: 1_201 }, (_, userId) => userId));
    await Promise.all(responses);
  });

  test('refuses requests beyond its limit with Retry-After and loses none of the others', async () => {
    const { queue, batch } = startQueue(3);
    const running = queue.submit(requestOf(0), stays);
    const one = await batch(0);
    const waiting = [1, 2, 3].map((userId) => queue.submit(requestOf(userId), stays));
    expect(await queue.submit(requestOf(4), stays)).toMatchObject({
      kind: 'refused',
      code: 'overloaded',
      retryAfter: 1,
    });
    one.response();
    (await batch(1)).response();
    expect(await Promise.all([running, ...waiting])).toHaveLength(4);
    const later = queue.submit(requestOf(5), stays);
    (await batch(2)).response();
    expect(await later).toMatchObject({ kind: 'booked' });
  });

  test('drops the request of a client that disconnected before the batch began', async () => {
    const { queue, batch } = startQueue();
    const first = queue.submit(requestOf(1), stays);
    const one = await batch(0);
    let gone = false;
    const leaving = queue.submit(requestOf(2), () => gone);
    const staying = queue.submit(requestOf(3), stays);
    gone = true;
    one.response();
    const two = await batch(1);
    expect(usersOf(two)).toEqual([3]);
    two.response();
    expect(await leaving).toMatchObject({ kind: 'refused' });
    await Promise.all([first, staying]);
  });

  test('sends the next batch before it returns the results of the one before', async () => {
    const { queue, batch, batches } = startQueue();
    let batchesAtResult = 0;
    const first = queue.submit(requestOf(1), stays).finally(() => {
      batchesAtResult = batches.length;
    });
    const one = await batch(0);
    const second = queue.submit(requestOf(2), stays);
    one.response();
    await first;
    expect(batchesAtResult).toBe(2);
    (await batch(1)).response();
    await second;
  });

  test('returns a refusal only after its batch has ended', async () => {
    const { queue, batch } = startQueue();
    let isResolved = false;
    const refused = queue.submit(requestOf(1), stays).finally(() => {
      isResolved = true;
    });
    const one = await batch(0);
    await new Promise((resolve) => setImmediate(resolve));
    expect(isResolved).toBe(false);
    one.response([{ kind: 'refused', code: 'not_enough_seats' }]);
    expect(await refused).toMatchObject({ code: 'not_enough_seats' });
  });

  test('a batch that throws refuses its requests with `internal`, and the queue continues', async () => {
    const { queue, batch } = startQueue();
    const first = queue.submit(requestOf(1), stays);
    (await batch(0)).fail(new Error('a defect'));
    expect(await first).toMatchObject({ kind: 'refused', code: 'internal' });
    const second = queue.submit(requestOf(2), stays);
    (await batch(1)).response();
    expect(await second).toMatchObject({ kind: 'booked' });
  });

  test('drain completes waiting requests and refuses later ones', async () => {
    const { queue, batch } = startQueue();
    const first = queue.submit(requestOf(1), stays);
    const one = await batch(0);
    const second = queue.submit(requestOf(2), stays);
    const drained = queue.drain();
    expect(await queue.submit(requestOf(3), stays)).toMatchObject({ code: 'overloaded' });
    one.response();
    (await batch(1)).response();
    await drained;
    expect(await Promise.all([first, second])).toHaveLength(2);
  });

  test('runs each request once, in order of arrival, and returns its own result, in any rhythm', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            burst: fc.integer({ min: 1, max: 40 }),
            turns: fc.integer({ max: 3, min: 0 }),
          }),
          { minLength: 1, maxLength: 20 },
        ),
        async (rhythm) => {
          const ran: number[] = [];
          const queue = makeBookingQueue({
            limit: 5_000,
            run: async (requests) => {
              for (let turn = 0; turn < requests.length % 3; turn += 1) {
                await new Promise((resolve) => setImmediate(resolve));
              }
              ran.push(...requests.map(({ userId }) => userId));
              return requests.map(resultOf);
            },
          });
          const results: Promise<BookingResult>[] = [];
          for (const { burst, turns } of rhythm) {
            for (let i = 0; i < burst; i += 1) {
              results.push(queue.submit(requestOf(results.length), stays));
            }
            for (let turn = 0; turn < turns; turn += 1) {
              await new Promise((resolve) => setImmediate(resolve));
            }
          }
          await queue.drain();
          const all = results.map((_, index) => index);
          expect(ran).toEqual(all);
          expect(await Promise.all(results)).toEqual(all.map((userId) => resultOf({ userId })));
        },
      ),
      { numRuns: 100 },
    );
  });
});
