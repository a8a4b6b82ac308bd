import { describe, expect, test } from '@jest/globals';
import { Problem } from '@movie-ticketing/kit/problems';
import fc from 'fast-check';

import type { BookingOrder, ReferencedOrder } from '../src/batch/booking-order.ts';
import { makeBookingQueue } from '../src/batch/booking-queue.ts';
import type { Outcome } from '../src/batch/run-batch.ts';

const wish = (userId: number, isGone = () => false): BookingOrder => ({
  userId,
  requestedBy: userId,
  screeningId: 1,
  numTickets: 1,
  idempotency: undefined,
  isGone,
});

type Batch = {
  orders: readonly ReferencedOrder[];
  answer: (outcomes?: Outcome[]) => void;
  fail: (error: Error) => void;
};

/** A queue whose batches run until the test answers them. */
const startQueue = (limit = 5_000) => {
  const batches: Batch[] = [];
  let arrived: () => void = () => undefined;
  const queue = makeBookingQueue({
    limit,
    run: (orders) =>
      new Promise((resolve, reject) => {
        batches.push({
          orders,
          answer: (outcomes) => {
            resolve(
              outcomes ?? orders.map(({ userId }) => ({ status: 201, json: String(userId) })),
            );
          },
          fail: reject,
        });
        arrived();
      }),
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

const peopleOf = ({ orders }: Batch): number[] => orders.map(({ userId }) => userId);

describe('the booking queue', () => {
  test('when orders arrive while a batch is in flight, then all of them share the next one, in order of arrival', async () => {
    const { queue, batch, batches } = startQueue();
    const first = queue.submit(wish(1));
    const one = await batch(0);
    const others = [2, 3, 4, 5].map((userId) => queue.submit(wish(userId)));
    expect(queue.depth).toBe(4);
    expect(batches).toHaveLength(1);
    one.answer();
    expect(await first).toMatchObject({ json: '1' });
    const two = await batch(1);
    expect(peopleOf(two)).toEqual([2, 3, 4, 5]);
    two.answer();
    expect((await Promise.all(others)).map(({ json }) => json)).toEqual(['2', '3', '4', '5']);
  });

  test('when more than 500 wait, then a batch takes the first 500 and the rest come next', async () => {
    const { queue, batch } = startQueue();
    const answers = Array.from({ length: 1_201 }, (_, userId) => queue.submit(wish(userId)));
    const sizes: number[] = [];
    const seen: number[] = [];
    for (let index = 0; seen.length < 1_201; index += 1) {
      const next = await batch(index);
      sizes.push(next.orders.length);
      seen.push(...peopleOf(next));
      next.answer();
    }
    expect(sizes).toEqual([500, 500, 201]);
    expect(seen).toEqual(Array.from({ length: 1_201 }, (_, userId) => userId));
    await Promise.all(answers);
  });

  test('when as many wait as may, then the next is turned away with Retry-After and nobody before it is lost', async () => {
    const { queue, batch } = startQueue(3);
    const running = queue.submit(wish(0));
    const one = await batch(0);
    const waiting = [1, 2, 3].map((userId) => queue.submit(wish(userId)));
    await expect(queue.submit(wish(4))).rejects.toMatchObject({
      code: 'overloaded',
      retryAfter: 1,
    });
    one.answer();
    (await batch(1)).answer();
    expect(await Promise.all([running, ...waiting])).toHaveLength(4);
    const later = queue.submit(wish(5));
    (await batch(2)).answer();
    expect(await later).toMatchObject({ status: 201 });
  });

  test('when a client has gone before its batch begins, then its order is not in it', async () => {
    const { queue, batch } = startQueue();
    const first = queue.submit(wish(1));
    const one = await batch(0);
    let gone = false;
    const leaving = queue.submit(wish(2, () => gone));
    const staying = queue.submit(wish(3));
    gone = true;
    one.answer();
    const two = await batch(1);
    expect(peopleOf(two)).toEqual([3]);
    two.answer();
    await expect(leaving).rejects.toBeInstanceOf(Problem);
    await Promise.all([first, staying]);
  });

  test('when a batch refuses, then nobody is told before it is over', async () => {
    const { queue, batch } = startQueue();
    let told = false;
    const refused = queue.submit(wish(1)).catch((error: unknown) => {
      told = true;
      return error;
    });
    const one = await batch(0);
    await new Promise((resolve) => setImmediate(resolve));
    expect(told).toBe(false);
    one.answer([new Problem('not_enough_seats')]);
    expect(await refused).toMatchObject({ code: 'not_enough_seats' });
  });

  test('when running a batch throws, then its orders are answered with 500 and the queue goes on', async () => {
    const { queue, batch } = startQueue();
    const first = queue.submit(wish(1));
    (await batch(0)).fail(new Error('a defect'));
    await expect(first).rejects.toMatchObject({ code: 'internal' });
    const second = queue.submit(wish(2));
    (await batch(1)).answer();
    expect(await second).toMatchObject({ status: 201 });
  });

  test('when it drains, then what waits is answered and what comes after is turned away', async () => {
    const { queue, batch } = startQueue();
    const first = queue.submit(wish(1));
    const one = await batch(0);
    const second = queue.submit(wish(2));
    const drained = queue.drain();
    await expect(queue.submit(wish(3))).rejects.toMatchObject({ code: 'overloaded' });
    one.answer();
    (await batch(1)).answer();
    await drained;
    expect(await Promise.all([first, second])).toHaveLength(2);
  });

  test('when orders come in any rhythm, then each is run once, in order of arrival, and answered with its own outcome', async () => {
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
            run: async (orders) => {
              for (let turn = 0; turn < orders.length % 3; turn += 1) {
                await new Promise((resolve) => setImmediate(resolve));
              }
              ran.push(...orders.map(({ userId }) => userId));
              return orders.map(({ userId }) =>
                userId % 5 === 0
                  ? new Problem('not_found', { detail: String(userId) })
                  : { status: 201, json: String(userId) },
              );
            },
          });
          const answers: Promise<string | undefined>[] = [];
          for (const { burst, turns } of rhythm) {
            for (let i = 0; i < burst; i += 1) {
              const answer = queue.submit(wish(answers.length));
              answers.push(
                answer.then(
                  ({ json }) => json,
                  (problem: unknown) => (problem as Problem).detail,
                ),
              );
            }
            for (let turn = 0; turn < turns; turn += 1) {
              await new Promise((resolve) => setImmediate(resolve));
            }
          }
          await queue.drain();
          const everyone = answers.map((_, index) => index);
          expect(ran).toEqual(everyone);
          expect(await Promise.all(answers)).toEqual(everyone.map(String));
        },
      ),
      { numRuns: 100 },
    );
  });
});
