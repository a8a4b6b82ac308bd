import type { BookingRequest, BookingResult, Refusal } from './booking-request.ts';

export type BookingQueue = {
  /**
   * Waits for the request's batch and returns its result. Never rejects.
   * @param isGone whether the client has disconnected
   */
  submit(request: BookingRequest, isGone: () => boolean): Promise<BookingResult>;
  /** Requests that wait for a batch. */
  readonly depth: number;
  /** Runs all waiting requests, then resolves. Later requests are refused. */
  drain(): Promise<void>;
};

/** Runs a batch and returns a result per request, in the same order. */
export type RunRequests = (requests: readonly BookingRequest[]) => Promise<BookingResult[]>;

type WaitingRequest = {
  request: BookingRequest;
  isGone: () => boolean;
  resolve: (result: BookingResult) => void;
};

/** Small enough that one batch does not hold its locks for long, large enough to fill a disk flush. */
const maximumBatch = 500;

/**
 * Collects requests while a batch is in flight and runs all of them in the next one, across all
 * screenings, in order of arrival. One batch at a time: a second one would only wait for the locks of the
 * first or split its flush.
 */
export const makeBookingQueue = (options: {
  run: RunRequests;
  limit: number;
  observe?: (results: readonly BookingResult[]) => void;
}): BookingQueue => {
  const waiting: WaitingRequest[] = [];
  let running: Promise<void> | undefined;
  let isDraining = false;

  const runAll = async (): Promise<void> => {
    // Requests that arrive in the same turn of the event loop share the first batch too.
    await new Promise((resolve) => setImmediate(resolve));
    while (waiting.length > 0) {
      const batch = dropDisconnected(waiting.splice(0, maximumBatch));
      if (batch.length === 0) continue;
      const results = await runSafely(options.run, batch);
      // Once the next batch is sent: PostgreSQL works on it while these responses are written.
      setImmediate(() => {
        deliver(batch, results);
      });
      options.observe?.(results);
    }
  };

  const start = (): void => {
    running ??= runAll().finally(() => {
      running = undefined;
      if (waiting.length > 0) start();
    });
  };

  return {
    submit: (request, isGone) => {
      if (isDraining || waiting.length >= options.limit) return Promise.resolve(queueIsFull);
      return new Promise((resolve) => {
        waiting.push({ request, isGone, resolve });
        start();
      });
    },
    get depth() {
      return waiting.length;
    },
    drain: async () => {
      isDraining = true;
      while (running !== undefined) await running;
    },
  };
};

const queueIsFull: Refusal = {
  kind: 'refused',
  code: 'overloaded',
  detail: 'Too many booking requests are waiting. Try again shortly.',
  retryAfter: 1,
};

/** A client that has disconnected receives no response: its seats are left to those that wait. */
const dropDisconnected = (batch: readonly WaitingRequest[]): WaitingRequest[] =>
  batch.filter(({ isGone, resolve }) => {
    const isDropped = isGone();
    if (isDropped) resolve({ kind: 'refused', code: 'request_timeout' });
    return !isDropped;
  });

const deliver = (batch: readonly WaitingRequest[], results: readonly BookingResult[]): void => {
  batch.forEach(({ resolve }, index) => {
    resolve(results[index] ?? { kind: 'refused', code: 'internal' });
  });
};

/** A defect in `run` must not leave its requests without a response, nor stop the queue. */
const runSafely = async (
  run: RunRequests,
  batch: readonly WaitingRequest[],
): Promise<BookingResult[]> => {
  try {
    return await run(batch.map(({ request }) => request));
  } catch (error) {
    return batch.map(() => ({ kind: 'refused', code: 'internal', cause: error }));
  }
};
