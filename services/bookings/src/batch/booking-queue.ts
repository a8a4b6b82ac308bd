import type { ApiResponse } from '@movie-ticketing/kit/endpoint';
import { Problem } from '@movie-ticketing/kit/problems';

import { makeReference, type BookingOrder, type ReferencedOrder } from './booking-order.ts';
import type { Outcome } from './run-batch.ts';

export type BookingQueue = {
  /**
   * Waits for the order's batch and gives its answer.
   * @throws Problem a refusal, or 503 when too many wait
   */
  submit(order: BookingOrder): Promise<ApiResponse>;
  readonly depth: number;
  /** Runs what waits, then resolves. Later orders are refused. */
  drain(): Promise<void>;
};

type Waiting = {
  order: ReferencedOrder;
  resolve: (answer: ApiResponse) => void;
  reject: (problem: Problem) => void;
};

/** Small enough that one batch does not hold its locks long, large enough to fill a flush. */
const maximumBatch = 500;

/**
 * Collects bookings while a batch is in flight and runs them all in the next one, over all
 * screenings, in order of arrival. One batch at a time: a second would only wait for the first's locks
 * or split its flush.
 * @param run runs a batch; never throws
 */
export const makeBookingQueue = (options: {
  run: (orders: readonly ReferencedOrder[]) => Promise<Outcome[]>;
  limit: number;
  observe?: (batch: { size: number; outcomes: readonly Outcome[] }) => void;
}): BookingQueue => {
  const waiting: Waiting[] = [];
  let running: Promise<void> | undefined;
  let draining = false;

  const runAll = async (): Promise<void> => {
    // Requests that arrive in the same turn of the event loop share the first batch too.
    await new Promise((resolve) => setImmediate(resolve));
    while (waiting.length > 0) {
      const batch = withoutGone(waiting.splice(0, maximumBatch));
      if (batch.length === 0) continue;
      const outcomes = await runSafely(options.run, batch);
      answer(batch, outcomes);
      options.observe?.({ size: batch.length, outcomes });
    }
  };

  const start = (): void => {
    running ??= runAll().finally(() => {
      running = undefined;
      if (waiting.length > 0) start();
    });
  };

  return {
    submit: (order) =>
      new Promise((resolve, reject) => {
        if (draining || waiting.length >= options.limit) {
          reject(
            new Problem('overloaded', {
              detail: 'Too many bookings are waiting: try again shortly.',
              retryAfter: 1,
            }),
          );
          return;
        }
        waiting.push({ order: { ...order, reference: makeReference() }, resolve, reject });
        start();
      }),
    get depth() {
      return waiting.length;
    },
    drain: async () => {
      draining = true;
      while (running !== undefined) await running;
    },
  };
};

/** Those whose client has hung up: nobody is there to hear the answer, the seats are for those who are. */
const withoutGone = (batch: readonly Waiting[]): Waiting[] =>
  batch.filter(({ order, reject }) => {
    const isGone = order.isGone();
    if (isGone) reject(new Problem('request_timeout'));
    return !isGone;
  });

const answer = (batch: readonly Waiting[], outcomes: readonly Outcome[]): void => {
  batch.forEach(({ resolve, reject }, index) => {
    const outcome = outcomes[index] ?? new Problem('internal');
    if (outcome instanceof Problem) reject(outcome);
    else resolve(outcome);
  });
};

/** A defect in `run` must not leave its requests without an answer, nor stop the queue. */
const runSafely = async (
  run: (orders: readonly ReferencedOrder[]) => Promise<Outcome[]>,
  batch: readonly Waiting[],
): Promise<Outcome[]> => {
  try {
    return await run(batch.map(({ order }) => order));
  } catch (error) {
    return batch.map(() => new Problem('internal', { cause: error }));
  }
};
