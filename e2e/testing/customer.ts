import { randomUUID } from 'node:crypto';

/** A customer of a running system, over HTTP. */
export type Answer = { status: number; body: any };

export const ask = async (
  url: string,
  path: string,
  options: {
    method?: string;
    token?: string;
    key?: string;
    body?: object;
    timeoutMs?: number;
  } = {},
): Promise<Answer> => {
  const response = await fetch(`${url}${path}`, {
    method: options.method ?? (options.body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
      ...(options.key === undefined ? {} : { 'idempotency-key': options.key }),
    },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    signal: AbortSignal.timeout(options.timeoutMs ?? 30_000),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return { status: response.status, body: isJson ? JSON.parse(text) : text };
};

const expectStatus = (what: string, answer: Answer, wanted: number): Answer => {
  if (answer.status !== wanted)
    throw new Error(`${what}: ${String(answer.status)} ${JSON.stringify(answer.body)}`);
  return answer;
};

/** A new customer's access token. */
export const register = async (url: string): Promise<string> => {
  const answer = await ask(url, '/users/register', {
    body: { email: `e2e-${randomUUID()}@example.com`, password: 'a long enough one' },
  });
  return expectStatus('register', answer, 201).body.access_token as string;
};

/** Ids of screenings that start in an hour or later and have seats, the latest first. */
export const upcomingScreenings = async (url: string): Promise<number[]> => {
  const from = new Date(Date.now() + 3_600_000).toISOString();
  const answer = await ask(url, `/screenings?from=${from}&limit=200`);
  const { screenings } = expectStatus('screenings', answer, 200).body;
  return (screenings as { id: number; available_seats: number }[])
    .filter(({ available_seats: seats }) => seats > 0)
    .map(({ id }) => id)
    .reverse();
};

const book = async (url: string, token: string, screening: number): Promise<number> => {
  const answer = await ask(url, '/bookings', {
    token,
    key: randomUUID(),
    body: { screening_id: screening, num_tickets: 1 },
  });
  return expectStatus('book', answer, 201).body.booking.id as number;
};

const pay = async (url: string, token: string, booking: number): Promise<void> => {
  const answer = await ask(url, '/payments', {
    token,
    key: randomUUID(),
    body: { booking_id: booking },
  });
  expectStatus('pay', answer, 200);
};

/** Registers a customer, who books and pays one ticket. */
export const buyTicket = async (url: string): Promise<{ token: string; booking: number }> => {
  const token = await register(url);
  const [screening] = await upcomingScreenings(url);
  if (screening === undefined) throw new Error('no upcoming screening');
  const booking = await book(url, token, screening);
  await pay(url, token, booking);
  return { token, booking };
};

/** Registers a customer, who books two seats of a screening with a seat plan. */
export const chooseSeats = async (
  url: string,
): Promise<{ body: object; seats: string[]; status: number }> => {
  const token = await register(url);
  const from = new Date(Date.now() + 3_600_000).toISOString();
  const answer = await ask(url, `/screenings?from=${from}&limit=200`);
  const { screenings } = expectStatus('screenings', answer, 200).body;
  const screening = (screenings as { id: number; seat_plan_id: number | null }[]).findLast(
    ({ seat_plan_id: plan }) => plan !== null,
  );
  if (screening === undefined) throw new Error('no upcoming screening has a seat plan');
  const plan = await ask(url, `/seat-plans/${String(screening.seat_plan_id)}`);
  const { seats } = expectStatus('seat plan', plan, 200).body.seat_plan;
  // The first two seats of the second row: no single seat is left beside them.
  const second = (seats as { id: string; row: string }[]).filter(({ row }) => row === 'B');
  const tickets = second.slice(0, 2).map(({ id }) => ({ seat: id }));
  const body = { screening_id: screening.id, tickets };
  const booked = await ask(url, '/bookings', { token, body });
  return {
    body,
    seats: (booked.body.booking?.tickets ?? []).map((it: { seat: string }) => it.seat),
    status: booked.status,
  };
};

export const bookingStatus = async (url: string, token: string, id: number): Promise<string> => {
  const answer = await ask(url, `/bookings/${String(id)}`, { token });
  return answer.status === 200 ? (answer.body.booking.status as string) : String(answer.status);
};
