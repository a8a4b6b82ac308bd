import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { allEndpoints } from '../src/all-endpoints.ts';
import { startTestSystem, type TestSystem, type TestUser } from '../testing/system.ts';

/** If-Match and If-Unmodified-Since (RFC 9110, section 13) on everything that can be changed. */

let system: TestSystem;
beforeAll(async () => {
  system = await startTestSystem();
});
afterAll(async () => {
  await system.stop();
});

type Resource = {
  path: string;
  token: string;
  /** Reads the ETag, from GET where there is one. */
  etag: () => Promise<string>;
  change: object;
};

const asAdmin = (method: string, path: string, body?: object) =>
  system.api(method, path, { token: system.admin.token, body });

const create = async (path: string, body: object): Promise<string> => {
  const answer = await asAdmin('POST', path, body);
  expect(answer.status).toBe(201);
  return answer.headers.get('location') ?? '';
};

const movie = () =>
  create('/movies', {
    title: 'Metropolis',
    description: 'A city',
    duration_minutes: 150,
    price: { amount: 1000, currency: 'USD' },
    start_date: '2027-01-01',
    end_date: '2027-12-31',
  });
const theater = () =>
  create('/theaters', {
    name: 'One',
    location: 'Berlin',
    time_zone: 'Europe/Berlin',
    total_seats: 100,
  });
const idOf = (path: string): number => Number(path.split('/').at(-1));
const screening = async () =>
  create('/screenings', {
    movie_id: idOf(await movie()),
    theater_id: idOf(await theater()),
    starts_at: '2027-06-01T18:00:00Z',
  });

const ofCatalog = async (make: () => Promise<string>, change: object): Promise<Resource> => {
  const path = await make();
  const etag = async () => (await system.api('GET', path)).headers.get('etag') ?? '';
  return { path, token: system.admin.token, etag, change };
};

const roleOf = async (user: TestUser): Promise<Resource> => ({
  path: `/users/${String(user.id)}`,
  token: system.admin.token,
  etag: async () => {
    const { headers } = await system.api('GET', '/users/me', { token: user.token });
    return headers.get('etag') ?? '';
  },
  change: { role: 'staff' },
});

const me = async (): Promise<Resource> => {
  const user = await system.signUp();
  return { ...(await roleOf(user)), path: '/users/me', token: user.token, change: {} };
};

let made = 0;
const ticketType = () => create('/ticket-types', { name: `Type ${String((made += 1))}` });
const priceCard = async () =>
  create('/price-cards', {
    name: 'Evening',
    currency: 'USD',
    lines: [{ ticket_type_id: idOf(await ticketType()), amount: 1_200 }],
  });
const promoCode = () => create('/promo-codes', { code: `C${String((made += 1))}`, percent: 10 });

const ofAdmin = async (make: () => Promise<string>, change: object): Promise<Resource> => {
  const path = await make();
  const etag = async () => (await asAdmin('GET', path)).headers.get('etag') ?? '';
  return { path, token: system.admin.token, etag, change };
};

const seatMap = async () => {
  const theaterPath = await theater();
  const plan = { seats: [{ row: 'A', number: '1', category: 'Stalls' }] };
  expect((await asAdmin('PUT', `${theaterPath}/seat-plan`, plan)).status).toBe(201);
  const made = await create('/screenings', {
    movie_id: idOf(await movie()),
    theater_id: idOf(theaterPath),
    starts_at: '2027-06-01T18:00:00Z',
  });
  return `${made}/seats`;
};

const changes: [string, () => Promise<Resource>][] = [
  ['PATCH /ticket-types/:id', () => ofAdmin(ticketType, { active: false })],
  ['PATCH /price-cards/:id', () => ofAdmin(priceCard, { booking_fee: 1 })],
  ['PATCH /promo-codes/:id', () => ofAdmin(promoCode, { percent: 20 })],
  ['PATCH /screenings/:id/seats', () => ofCatalog(seatMap, { block: ['A-1'] })],
  ['DELETE /ticket-types/:id', () => ofAdmin(ticketType, {})],
  ['DELETE /price-cards/:id', () => ofAdmin(priceCard, {})],
  ['DELETE /promo-codes/:id', () => ofAdmin(promoCode, {})],
  ['PATCH /movies/:id', () => ofCatalog(movie, { title: 'Another' })],
  ['PATCH /theaters/:id', () => ofCatalog(theater, { name: 'Two' })],
  ['PATCH /screenings/:id', () => ofCatalog(screening, { price: { amount: 1, currency: 'USD' } })],
  ['PATCH /users/:id', async () => roleOf(await system.signUp())],
  ['DELETE /movies/:id', () => ofCatalog(movie, {})],
  ['DELETE /theaters/:id', () => ofCatalog(theater, {})],
  ['DELETE /screenings/:id', () => ofCatalog(screening, {})],
  ['DELETE /users/me', me],
];

const send = (method: string, { path, token, change }: Resource, headers: Record<string, string>) =>
  system.api(method, path, {
    token,
    headers,
    ...(method === 'PATCH' ? { body: change } : {}),
  });

const methodOf = (name: string): string => name.split(' ')[0] ?? '';

test('the table has every endpoint that changes or deletes a resource', () => {
  const expected = Object.values(allEndpoints())
    .flat()
    .filter(({ method }) => method === 'patch' || method === 'delete')
    .map(({ method, path }) => `${method.toUpperCase()} ${path}`);
  expect(changes.map(([name]) => name).sort()).toEqual(expected.sort());
});

describe.each(changes)('%s', (name, make) => {
  const method = methodOf(name);

  test('answers 412 to a precondition that fails, and changes nothing', async () => {
    const resource = await make();
    const etag = await resource.etag();
    expect(etag).toMatch(/^"[^"]+"$/);
    for (const headers of [
      { 'If-Match': '"another"' },
      { 'If-Match': `"another", W/${etag}` }, // the comparison is strong
      { 'If-Match': '""' },
      { 'If-Unmodified-Since': 'Fri, 01 Jan 2100 00:00:00 GMT' },
      { 'If-Unmodified-Since': 'yesterday' },
    ]) {
      const answer = await send(method, resource, headers);
      expect([headers, answer.status, answer.body.code]).toEqual([
        headers,
        412,
        'precondition_failed',
      ]);
    }
    expect(await resource.etag()).toBe(etag);
  });

  test.each(['another', '"a" "b"', '*, "a"', ''])(
    'answers 400 to the malformed If-Match %j',
    async (ifMatch) => {
      const answer = await send(method, await make(), { 'If-Match': ifMatch });
      expect([answer.status, answer.body.errors[0].path]).toEqual([400, 'If-Match']);
    },
  );

  test.each(['the ETag', 'a list with it', 'an asterisk', 'it beside If-Unmodified-Since'])(
    'succeeds with %s',
    async (what) => {
      const resource = await make();
      const etag = await resource.etag();
      const headers: Record<string, string> = {
        'the ETag': { 'If-Match': etag },
        'a list with it': { 'If-Match': `"a", ${etag} ,W/"b"` },
        'an asterisk': { 'If-Match': '*' },
        'it beside If-Unmodified-Since': {
          'If-Match': etag,
          'If-Unmodified-Since': 'Sat, 01 Jan 2000 00:00:00 GMT',
        },
      }[what] as Record<string, string>;
      const answer = await send(method, resource, headers);
      expect(answer.status).toBe(method === 'PATCH' ? 200 : 204);
    },
  );
});

describe('an ETag of a response', () => {
  test.each(changes.slice(0, 3))('%s: is the one that GET answers', async (_name, make) => {
    const resource = await make();
    const changed = await send('PATCH', resource, {});
    expect(changed.headers.get('etag')).toBe(await resource.etag());
  });

  test('POST answers the ETag of what it created', async () => {
    const answer = await asAdmin('POST', '/theaters', {
      name: 'Three',
      location: 'Berlin',
      time_zone: 'Europe/Berlin',
      total_seats: 1,
    });
    const read = await system.api('GET', answer.headers.get('location') ?? '');
    expect(answer.headers.get('etag')).toBe(read.headers.get('etag'));
  });
});

describe('clients that change one movie at once', () => {
  const race = async (conditional: boolean): Promise<number[]> => {
    const resource = await ofCatalog(movie, {});
    const etag = await resource.etag();
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        send(
          'PATCH',
          { ...resource, change: { title: `Title ${String(index)}` } },
          conditional ? { 'If-Match': etag } : {},
        ),
      ),
    );
    return answers.map(({ status }) => status).sort();
  };

  test('with If-Match one succeeds', async () => {
    expect(await race(true)).toEqual([200, ...Array<number>(7).fill(412)]);
  });

  test('control: without it all succeed, and all but the last are overwritten', async () => {
    expect(await race(false)).toEqual(Array<number>(8).fill(200));
  });
});

test('a screening that sold a seat no longer matches its ETag', async () => {
  const resource = await ofCatalog(screening, { status: 'cancelled' });
  const etag = await resource.etag();
  const customer = await system.signUp();
  const booked = await system.api('POST', '/bookings', {
    token: customer.token,
    body: { screening_id: idOf(resource.path), num_tickets: 1 },
  });
  expect(booked.status).toBe(201);
  expect((await send('PATCH', resource, { 'If-Match': etag })).status).toBe(412);
});
