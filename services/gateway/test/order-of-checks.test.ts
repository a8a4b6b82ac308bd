import { randomUUID } from 'node:crypto';

import type { Endpoint } from '@movie-ticketing/kit/endpoint';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { allEndpoints } from '../src/all-endpoints.ts';
import { examples } from '../src/api-examples.ts';
import { startTestSystem, type TestSystem, type TestUser } from '../testing/system.ts';

/**
 * The order in which a request is checked. Each fault is sent together with every fault that is checked
 * after it, and its own answer is expected; each fault alone gets the same answer.
 */

let system: TestSystem;
let customer: TestUser;
let deleted: TestUser;

beforeAll(async () => {
  system = await startTestSystem();
  customer = await system.signUp();
  deleted = await system.signUp();
  const { status } = await system.api('DELETE', '/users/me', { token: deleted.token });
  expect(status).toBe(204);
});
afterAll(async () => {
  await system.stop();
});

type Message = {
  method: string;
  path: string;
  query: string;
  token: string | undefined;
  body: unknown;
  key: string | undefined;
  headers: Record<string, string>;
};

type Fault = {
  name: string;
  appliesTo: (endpoint: Endpoint) => boolean;
  add: (message: Message, endpoint: Endpoint) => Partial<Message>;
  answer: [status: number, code: string];
};

const unknownId = Number.MAX_SAFE_INTEGER;
const isWrite = ({ method }: Endpoint): boolean => method !== 'get';
const isPublic = ({ access }: Endpoint): boolean => access === 'public';
const hasId = ({ path }: Endpoint): boolean => path.includes(':id');

/** In the order of the contract. */
const faults: readonly Fault[] = [
  {
    name: 'an unknown path is 404',
    appliesTo: () => true,
    add: ({ path }) => ({ path: `${path}/unknown/path` }),
    answer: [404, 'not_found'],
  },
  {
    name: 'an unsupported method is 405',
    appliesTo: () => true,
    add: (_message, { method }) => ({ method: method === 'put' ? 'POST' : 'PUT' }),
    answer: [405, 'method_not_allowed'],
  },
  {
    name: 'no sign-in is 401',
    appliesTo: (endpoint) => !isPublic(endpoint),
    add: () => ({ token: undefined }),
    answer: [401, 'unauthenticated'],
  },
  {
    name: 'the token of a deleted user is 401',
    appliesTo: (endpoint) => !isPublic(endpoint),
    add: () => ({ token: deleted.token }),
    answer: [401, 'unauthenticated'],
  },
  {
    name: 'a wrong role is 403',
    appliesTo: ({ access }) => access === 'admin' || access === 'staff',
    add: () => ({ token: customer.token }),
    answer: [403, 'forbidden'],
  },
  {
    name: 'a body over the limit is 413',
    appliesTo: isWrite,
    add: (_message, { maximumBodyBytes = 100_000 }) => ({
      body: `{"${'x'.repeat(maximumBodyBytes)}`,
    }),
    answer: [413, 'payload_too_large'],
  },
  {
    name: 'another content type is 415',
    appliesTo: isWrite,
    add: ({ body, headers }) => ({
      body: body ?? '{}',
      headers: { ...headers, 'Content-Type': 'text/plain' },
    }),
    answer: [415, 'unsupported_media_type'],
  },
  {
    name: 'a malformed body is 400',
    appliesTo: isWrite,
    add: () => ({ body: '{"a": ' }),
    answer: [400, 'invalid_request'],
  },
  {
    name: 'an unknown query parameter is 400',
    appliesTo: () => true,
    add: () => ({ query: '?nonsense=1' }),
    answer: [400, 'invalid_request'],
  },
  {
    name: 'a malformed Idempotency-Key is 400',
    appliesTo: ({ idempotent }) => idempotent === true,
    add: () => ({ key: 'not a key' }),
    answer: [400, 'invalid_request'],
  },
  {
    name: 'a malformed If-Match is 400',
    appliesTo: ({ method }) => method === 'patch' || method === 'delete',
    add: ({ headers }) => ({ headers: { ...headers, 'If-Match': 'unquoted' } }),
    answer: [400, 'invalid_request'],
  },
  {
    name: 'an unknown id is 404',
    appliesTo: hasId,
    add: ({ path }) => ({ path: path.replace('/1', `/${String(unknownId)}`) }),
    answer: [404, 'not_found'],
  },
];

const endpoints = Object.values(allEndpoints()).flat();
const nameOf = (endpoint: Endpoint): string => `${endpoint.method.toUpperCase()} ${endpoint.path}`;

const validMessage = (endpoint: Endpoint): Message => ({
  method: endpoint.method.toUpperCase(),
  path: endpoint.path.replace(':id', '1'),
  query: '',
  token: isPublic(endpoint) ? undefined : system.admin.token,
  body: examples[endpoint.operationId],
  key: undefined,
  headers: {},
});

const send = async (endpoint: Endpoint, added: readonly Fault[]): Promise<[number, string]> => {
  // Later faults first, so that an earlier one replaces what both of them set.
  const { method, path, query, ...request } = added.reduceRight<Message>(
    (message, fault) => ({ ...message, ...fault.add(message, endpoint) }),
    validMessage(endpoint),
  );
  const { status, body } = await system.api(method, path + query, request);
  return [status, body.code];
};

describe('the order of checks', () => {
  test.each(endpoints.map((endpoint) => [nameOf(endpoint), endpoint] as const))(
    '%s answers the first of several faults',
    async (_name, endpoint) => {
      const applicable = faults.filter(({ appliesTo }) => appliesTo(endpoint));
      for (const [index, fault] of applicable.entries()) {
        const first = [fault.name, ...(await send(endpoint, applicable.slice(index)))];
        const alone = [fault.name, ...(await send(endpoint, [fault]))];
        expect({ first, alone }).toEqual({
          first: [fault.name, ...fault.answer],
          alone: [fault.name, ...fault.answer],
        });
      }
    },
  );

  test('each fault applies to an endpoint (control)', () => {
    const unused = faults.filter(({ appliesTo }) => !endpoints.some(appliesTo));
    expect(unused).toEqual([]);
  });
});

type Created = { path: string; body: object; other: object; user: TestUser };

/** A request to each idempotent operation that succeeds once, with another valid body. */
const requests = async (): Promise<Record<string, Created>> => {
  const { api, admin } = system;
  const create = async (path: string, body: unknown, token = admin.token): Promise<any> => {
    const answer = await api('POST', path, { token, body });
    expect([path, answer.status]).toEqual([path, 201]);
    return answer.body;
  };
  const { movie } = await create('/movies', examples['createMovie']);
  const { theater } = await create('/theaters', examples['createTheater']);
  const newScreening = { movie_id: movie.id, theater_id: theater.id };
  const { screening } = await create('/screenings', {
    ...newScreening,
    starts_at: '2027-01-20T19:30:00Z',
  });
  const newBooking = { screening_id: screening.id, num_tickets: 1 };
  const user = await system.signUp();
  const { booking } = await create('/bookings', newBooking, user.token);
  const cancelled = await create('/bookings', newBooking, admin.token);
  const changed = (operation: string, changes: object): { body: object; other: object } => {
    const body = examples[operation] as object;
    return { body, other: { ...body, ...changes } };
  };
  const { ticket_type } = await create('/ticket-types', { name: 'Senior' });
  const priceCard = (ticket_type_id: number) => ({
    name: 'Evening',
    currency: 'USD',
    lines: [{ ticket_type_id, amount: 1_200 }],
  });
  return {
    createMovie: { path: '/movies', user: admin, ...changed('createMovie', { title: 'M' }) },
    createTheater: { path: '/theaters', user: admin, ...changed('createTheater', { name: 'X' }) },
    createScreening: {
      path: '/screenings',
      user: admin,
      body: { ...newScreening, starts_at: '2027-01-21T19:30:00Z' },
      other: { ...newScreening, movie_id: unknownId, starts_at: '2027-01-21T19:30:00Z' },
    },
    createTicketType: {
      path: '/ticket-types',
      user: admin,
      ...changed('createTicketType', { name: 'Child' }),
    },
    createPriceCard: {
      path: '/price-cards',
      user: admin,
      body: priceCard(ticket_type.id),
      other: priceCard(unknownId),
    },
    createPromoCode: {
      path: '/promo-codes',
      user: admin,
      ...changed('createPromoCode', { percent: 30 }),
    },
    createBooking: {
      path: '/bookings',
      user,
      body: newBooking,
      other: { screening_id: unknownId, num_tickets: 1 },
    },
    createPayment: {
      path: '/payments',
      user,
      body: { booking_id: booking.id },
      other: { booking_id: unknownId },
    },
    cancelBooking: {
      path: `/bookings/${String(cancelled.booking.id)}/cancel`,
      user: admin,
      body: {},
      other: { after_start: true },
    },
  };
};

describe('a repeated Idempotency-Key', () => {
  let created: Record<string, Created>;
  beforeAll(async () => {
    created = await requests();
  });

  const idempotent = endpoints.filter((endpoint) => endpoint.idempotent === true);

  test.each(idempotent.map(({ operationId }) => operationId))(
    '%s: sign-in and validation come before the replay, the replay before every other rule',
    async (operationId) => {
      const request = created[operationId];
      if (request === undefined) throw new Error(`${operationId} has no request`);
      const { path, body, other, user } = request;
      const key = randomUUID();
      const repeat = (changes: object, query = ''): Promise<any> =>
        system.api('POST', path + query, { token: user.token, body, key, ...changes });
      const first = await repeat({});
      expect([first.status, first.headers.get('idempotent-replayed')]).toEqual([
        operationId === 'createPayment' || operationId === 'cancelBooking' ? 200 : 201,
        null,
      ]);

      const codeOf = async (changes: object, query?: string): Promise<unknown[]> => {
        const answer = await repeat(changes, query);
        return [answer.status, answer.body.code];
      };
      expect(await codeOf({ token: undefined })).toEqual([401, 'unauthenticated']);
      expect(await codeOf({ body: { ...body, nonsense: 1 } })).toEqual([400, 'invalid_request']);
      expect(await codeOf({}, '?nonsense=1')).toEqual([400, 'invalid_request']);
      // Also where the other body would be refused by a rule: an unknown resource, a cancelled booking.
      expect(await codeOf({ body: other })).toEqual([422, 'idempotency_key_reused']);

      const replay = await repeat({});
      expect([replay.status, replay.body]).toEqual([first.status, first.body]);
      expect(replay.headers.get('idempotent-replayed')).toBe('true');
    },
  );

  test('is 401 for a user who was deleted after the first request', async () => {
    const user = await system.signUp();
    const key = randomUUID();
    const { body } = created['createBooking'] ?? {};
    const request = { token: user.token, body, key };
    expect((await system.api('POST', '/bookings', request)).status).toBe(201);
    expect((await system.api('DELETE', '/users/me', { token: user.token })).status).toBe(204);
    const answer = await system.api('POST', '/bookings', request);
    expect([answer.status, answer.body.code]).toEqual([401, 'unauthenticated']);
  });

  test("is 404 for another user's booking, whatever its owner's key", async () => {
    const other = await system.signUp();
    const { path } = created['cancelBooking'] ?? { path: '' };
    const answer = await system.api('POST', path, { token: other.token, key: randomUUID() });
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
  });
});
