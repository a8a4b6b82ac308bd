import { randomUUID } from 'node:crypto';

import type { ApiAnswer, ApiRequest } from '@movie-ticketing/kit/testing/api';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { buySeats, deletePrices } from '../testing/seat-journey.ts';
import { startTestSystem, type TestSystem, type TestUser } from '../testing/system.ts';

/** Every operation once as it is meant, across the services; each answer is held against OpenAPI. */

let system: TestSystem;
let customer: TestUser;
let screeningId: number;

beforeAll(async () => {
  // A payment in doubt answers 202 after a second.
  system = await startTestSystem({ environment: { PAYMENT_TIMEOUT_SECONDS: '1' } });
  customer = await system.signUp();
});
afterAll(async () => {
  await system.stop();
});

const inDays = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString();

const expectStatus = async (
  status: number,
  method: string,
  path: string,
  request?: ApiRequest,
): Promise<ApiAnswer> => {
  const answer = await system.api(method, path, request);
  expect([`${method} ${path}`, answer.status, answer.body]).toEqual([
    `${method} ${path}`,
    status,
    answer.body,
  ]);
  return answer;
};

const asAdmin = (request: ApiRequest = {}): ApiRequest => ({
  token: system.admin.token,
  ...request,
});
const asCustomer = (request: ApiRequest = {}): ApiRequest => ({
  token: customer.token,
  ...request,
});

const addScreening = async (days: number): Promise<number> => {
  const movie = await expectStatus(
    201,
    'POST',
    '/movies',
    asAdmin({
      key: randomUUID(),
      body: {
        title: 'Metropolis',
        duration_minutes: 153,
        price: { amount: 1_200, currency: 'USD' },
        start_date: '2026-01-01',
        end_date: '2030-01-01',
      },
    }),
  );
  const theater = await expectStatus(
    201,
    'POST',
    '/theaters',
    asAdmin({
      body: { name: 'Ufer', location: 'Berlin', time_zone: 'Europe/Berlin', total_seats: 5 },
    }),
  );
  const screening = await expectStatus(
    201,
    'POST',
    '/screenings',
    asAdmin({
      body: {
        movie_id: movie.body.movie.id,
        theater_id: theater.body.theater.id,
        starts_at: inDays(days),
      },
    }),
  );
  return screening.body.screening.id;
};

const book = async (tickets: number): Promise<number> => {
  const { body } = await expectStatus(
    201,
    'POST',
    '/bookings',
    asCustomer({
      body: { screening_id: screeningId, num_tickets: tickets },
      key: randomUUID(),
    }),
  );
  return body.booking.id;
};

/** A public read may be a second old, so it is asked until it has caught up. */
const expectSeatsLeft = (seats: number): Promise<void> =>
  waitFor(async () => {
    const { body } = await system.api('GET', `/screenings/${String(screeningId)}`);
    return body.screening.available_seats === seats;
  });

describe('from an empty house to a refund', () => {
  test('an admin adds a movie, a theater and a screening, and everyone finds them', async () => {
    screeningId = await addScreening(3);
    const { body } = await expectStatus(200, 'GET', `/screenings/${String(screeningId)}`);
    expect(body.screening).toMatchObject({
      price: { amount: 1_200, currency: 'USD' },
      total_seats: 5,
      available_seats: 5,
    });
    const { movie_id: movieId, theater_id: theaterId } = body.screening;
    await expectStatus(200, 'GET', `/movies/${String(movieId)}`);
    await expectStatus(200, 'GET', `/theaters/${String(theaterId)}`);
    await expectStatus(200, 'GET', '/movies?q=metro&showing_on=2027-01-31');
    await expectStatus(200, 'GET', '/theaters?limit=1');
    const found = await expectStatus(
      200,
      'GET',
      `/screenings?movie_id=${String(movieId)}&from=${inDays(1)}`,
    );
    expect(found.body.screenings).toHaveLength(1);
    await expectStatus(
      200,
      'PATCH',
      `/movies/${String(movieId)}`,
      asAdmin({ body: { title: 'Metropolis (1927)' } }),
    );
    await expectStatus(
      200,
      'PATCH',
      `/theaters/${String(theaterId)}`,
      asAdmin({ body: { name: 'Am Ufer' } }),
    );
    await expectStatus(
      200,
      'PATCH',
      `/screenings/${String(screeningId)}`,
      asAdmin({ body: { starts_at: inDays(4) } }),
    );
    const inUse = await expectStatus(409, 'DELETE', `/movies/${String(movieId)}`, asAdmin());
    expect(inUse.body.code).toBe('in_use');
  });

  test('a customer books, pays and cancels: seats and money are returned', async () => {
    const bookingId = await book(2);
    await expectSeatsLeft(3);
    const paid = await expectStatus(
      200,
      'POST',
      '/payments',
      asCustomer({ body: { booking_id: bookingId }, key: 'pay-once' }),
    );
    const again = await expectStatus(
      200,
      'POST',
      '/payments',
      asCustomer({ body: { booking_id: bookingId }, key: 'pay-once' }),
    );
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.body).toEqual(paid.body);
    const { body } = await expectStatus(200, 'GET', `/bookings/${String(bookingId)}`, asCustomer());
    expect(body.booking.status).toBe('confirmed');
    await expectStatus(200, 'POST', `/bookings/${String(bookingId)}/cancel`, asCustomer());
    await expectSeatsLeft(5);
    const payment = `/payments/${String(paid.body.payment.id)}`;
    await waitFor(async () => {
      const read = await expectStatus(200, 'GET', payment, asCustomer());
      return read.body.payment.status === 'refunded';
    });
    const mine = await expectStatus(200, 'GET', '/bookings?status=refunded', asCustomer());
    expect(mine.body.bookings).toHaveLength(1);
    await expectStatus(404, 'GET', payment, { token: (await system.signUp()).token });
  });

  test('a payment is declined, or its outcome is unknown', async () => {
    const bookingId = await book(1);
    const pay = (token: string): ApiRequest =>
      asCustomer({ body: { booking_id: bookingId, payment_token: token } });
    const declined = await expectStatus(402, 'POST', '/payments', pay('tok_declined'));
    expect(declined.body.code).toBe('payment_declined');
    const doubtful = await expectStatus(202, 'POST', '/payments', pay('tok_late'));
    expect(doubtful.body.payment.status).toBe('processing');
    await waitFor(async () => {
      const { body } = await expectStatus(
        200,
        'GET',
        `/payments/${String(doubtful.body.payment.id)}`,
        asCustomer(),
      );
      return body.payment.status === 'succeeded';
    });
  }, 120_000);

  test('a booking of more seats than are free is refused, and an admin sees all bookings', async () => {
    const refused = await expectStatus(
      409,
      'POST',
      '/bookings',
      asCustomer({ body: { screening_id: screeningId, num_tickets: 5 } }),
    );
    expect(refused.body.code).toBe('not_enough_seats');
    const all = await expectStatus(
      200,
      'GET',
      `/bookings?screening_id=${String(screeningId)}`,
      asAdmin(),
    );
    expect(all.body.bookings).toHaveLength(2);
  });

  test('a customer chooses seats at the prices of a card, with a promo code', async () => {
    const screening = await addScreening(12);
    await buySeats({ expectStatus, asAdmin, asCustomer }, screening);
  });

  test('an admin deletes ticket types, price cards and promo codes that nothing depends on', () =>
    deletePrices({ expectStatus, asAdmin, asCustomer }));

  test('an admin deletes resources that nothing depends on', async () => {
    const unused = await addScreening(9);
    const { body } = await expectStatus(200, 'GET', `/screenings/${String(unused)}`);
    await expectStatus(204, 'DELETE', `/screenings/${String(unused)}`, asAdmin());
    await expectStatus(204, 'DELETE', `/movies/${String(body.screening.movie_id)}`, asAdmin());
    await expectStatus(204, 'DELETE', `/theaters/${String(body.screening.theater_id)}`, asAdmin());
  });
});

describe('a user', () => {
  test('a user changes the password and deletes the user: the tokens end', async () => {
    const person = await system.signUp();
    const { token } = person;
    await expectStatus(200, 'GET', '/users/me', { token });
    const refreshed = await expectStatus(200, 'POST', '/users/refresh', {
      body: { refresh_token: person.refreshToken },
    });
    await expectStatus(204, 'POST', '/users/logout', {
      token,
      body: { refresh_token: refreshed.body.refresh_token },
    });
    await expectStatus(200, 'POST', '/users/me/password', {
      token,
      body: { current_password: person.password, new_password: 'close sesame' },
    });
    await expectStatus(200, 'POST', '/users/login', {
      body: { email: person.email, password: 'close sesame' },
    });
    await expectStatus(204, 'DELETE', '/users/me', { token });
    await expectStatus(401, 'GET', '/users/me', { token });
    await expectStatus(401, 'GET', '/bookings', { token });
  });

  test('an admin resets a password: the token sets a new one', async () => {
    const user = await system.signUp();
    const path = `/users/${String(user.id)}/password-reset`;
    const { body } = await expectStatus(201, 'POST', path, asAdmin());
    const password = 'a new password';
    await expectStatus(204, 'POST', '/users/password', {
      body: { token: body.password_reset.token, password },
    });
    await expectStatus(200, 'POST', '/users/login', { body: { email: user.email, password } });
  });

  test('a new staff member can book for others with the next token', async () => {
    const person = await system.signUp();
    await expectStatus(200, 'GET', '/users?limit=1', asAdmin());
    await expectStatus(
      200,
      'PATCH',
      `/users/${String(person.id)}`,
      asAdmin({ body: { role: 'staff' } }),
    );
    const { body } = await expectStatus(200, 'POST', '/users/refresh', {
      body: { refresh_token: person.refreshToken },
    });
    const forAnother = { screening_id: screeningId, num_tickets: 1, user_id: customer.id };
    await expectStatus(403, 'POST', '/bookings', {
      token: (await system.signUp()).token,
      body: forAnother,
    });
    const booked = await expectStatus(201, 'POST', '/bookings', {
      token: body.access_token,
      body: forAnother,
    });
    expect(booked.body.booking.user_id).toBe(customer.id);
  });
});

test('the journeys received every successful response of the document', async () => {
  await expectStatus(200, 'GET', '/ping');
  await expectStatus(200, 'GET', '/openapi.json');
  await expectStatus(200, 'GET', '/.well-known/jwks.json');
  expect(system.openApi.missing()).toEqual([]);
});

/** Asks until it is so; the test's own time-out ends it. */
const waitFor = async (isSo: () => Promise<boolean>): Promise<void> => {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 50));
};
