import type { Api, ApiAnswer } from '@movie-ticketing/kit/testing/api';

import type { BookingsSystem, TestUser } from './system.ts';

/** Runs all tasks, at most `limit` at a time, and returns their results in order. */
export const inParallel = async <T>(
  limit: number,
  tasks: readonly (() => Promise<T>)[],
): Promise<T[]> => {
  const results: T[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < tasks.length) {
      const index = next++;
      const task = tasks[index];
      if (task !== undefined) results[index] = await task();
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, tasks.length) }, worker));
  return results;
};

/** The requests of a user to one server. */
export const as = (api: Api, { token }: Pick<TestUser, 'token'>) => ({
  book: (screeningId: number, tickets = 1, key?: string): Promise<ApiAnswer> =>
    api('POST', '/bookings', {
      token,
      key,
      body: { screening_id: screeningId, num_tickets: tickets },
    }),
  pay: (bookingId: number, paymentToken?: string, key?: string): Promise<ApiAnswer> =>
    api('POST', '/payments', {
      token,
      key,
      body: {
        booking_id: bookingId,
        ...(paymentToken === undefined ? {} : { payment_token: paymentToken }),
      },
    }),
  cancel: (bookingId: number, key?: string): Promise<ApiAnswer> =>
    api('POST', `/bookings/${String(bookingId)}/cancel`, { token, key }),
  booking: (bookingId: number): Promise<ApiAnswer> =>
    api('GET', `/bookings/${String(bookingId)}`, { token }),
  payment: (paymentId: number): Promise<ApiAnswer> =>
    api('GET', `/payments/${String(paymentId)}`, { token }),
});

/** A pending booking of `user`, made through the API. */
export const hold = async (
  system: BookingsSystem,
  user: TestUser,
  screeningId: number,
  tickets = 1,
): Promise<{ id: number; reference: string }> => {
  const response = await as(system.server.api, user).book(screeningId, tickets);
  if (response.status !== 201)
    throw new Error(`the booking was refused: ${JSON.stringify(response.body)}`);
  return response.body.booking;
};

/** The number of responses by status, with the code of refusals. */
export const countResponses = (responses: readonly ApiAnswer[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { status, body } of responses) {
    const name =
      body?.code === undefined ? String(status) : `${String(status)} ${String(body.code)}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
};
