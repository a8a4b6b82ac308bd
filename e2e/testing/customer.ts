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

export const bookingStatus = async (url: string, token: string, id: number): Promise<string> => {
  const answer = await ask(url, `/bookings/${String(id)}`, { token });
  return answer.status === 200 ? (answer.body.booking.status as string) : String(answer.status);
};
