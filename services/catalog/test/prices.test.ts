import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import {
  drawnPlan,
  insertMovie,
  insertPriceCard,
  insertScreening,
  insertSeatedScreening,
  insertTheater,
} from '../testing/builders.ts';
import { startTestCatalog, type RunningCatalog } from '../testing/running-catalog.ts';

let catalog: RunningCatalog;
beforeAll(async () => {
  catalog = await startTestCatalog();
});
afterAll(() => catalog.stop());

const send = (method: string, path: string, body?: unknown, token?: string, key?: string) =>
  catalog.api(method, path, { token: token ?? catalog.admin, body, key });

let made = 0;
const newType = async (fields: object = {}) => {
  made += 1;
  const answer = await send('POST', '/ticket-types', { name: `Type ${String(made)}`, ...fields });
  expect(answer.status).toBe(201);
  return answer.body.ticket_type as { id: number; name: string };
};
const card = (typeId: number, fields: object = {}) => ({
  name: 'Card',
  currency: 'USD',
  lines: [{ ticket_type_id: typeId, amount: 1_200 }],
  ...fields,
});

describe.each([
  ['/ticket-types', 'ticket_type', () => Promise.resolve({ name: 'Adult' }), { active: false }],
  ['/price-cards', 'price_card', async () => card((await newType()).id), { booking_fee: 99 }],
  [
    '/promo-codes',
    'promo_code',
    () => Promise.resolve({ code: 'one', percent: 5 }),
    { percent: 6 },
  ],
] as const)('%s', (path, envelope, newOne, change) => {
  test('are made, read, listed, changed and deleted by admins', async () => {
    const body = await newOne();
    const first = await send('POST', path, body, undefined, 'first');
    expect(first.status).toBe(201);
    const resource = first.body[envelope];
    const at = `${path}/${String(resource.id)}`;
    expect(first.headers.get('location')).toBe(at);
    const replayed = await send('POST', path, body, undefined, 'first');
    expect(replayed.headers.get('idempotent-replayed')).toBe('true');
    expect(replayed.body).toEqual(first.body);

    const read = await send('GET', at);
    expect(read.body).toEqual(first.body);
    const list = await send('GET', path);
    expect(list.body[`${envelope}s`]).toContainEqual(resource);

    const changed = await catalog.api('PATCH', at, {
      token: catalog.admin,
      body: change,
      headers: { 'If-Match': read.headers.get('etag') ?? '' },
    });
    expect(changed.body[envelope]).toEqual({ ...resource, ...change });
    const stale = await catalog.api('PATCH', at, {
      token: catalog.admin,
      body: change,
      headers: { 'If-Match': read.headers.get('etag') ?? '' },
    });
    expect(stale.status).toBe(412);
    expect((await send('PATCH', at, {})).status).toBe(400);
    expect((await send('DELETE', at)).status).toBe(204);
    expect((await send('GET', at)).status).toBe(404);
  });

  test('are for admins alone', async () => {
    const staff = (await catalog.signUp('staff')).token;
    expect((await send('GET', path, undefined, staff)).status).toBe(403);
    expect((await catalog.api('GET', path)).status).toBe(401);
  });
});

test('names of ticket types and promo codes are unique', async () => {
  const { name } = await newType();
  expect((await send('POST', '/ticket-types', { name })).body.code).toBe('name_taken');
  const first = await send('POST', '/promo-codes', { code: 'twice', percent: 5 });
  expect(first.body.promo_code.code).toBe('TWICE');
  expect((await send('POST', '/promo-codes', { code: 'TWICE', percent: 6 })).status).toBe(409);
});

test('what is in use is not deleted', async () => {
  const type = await newType();
  const made = await send('POST', '/price-cards', card(type.id));
  expect((await send('DELETE', `/ticket-types/${String(type.id)}`)).body.code).toBe('in_use');
  const { id } = made.body.price_card;
  await insertScreening(catalog.db, { price_card_id: id });
  expect((await send('DELETE', `/price-cards/${String(id)}`)).body.code).toBe('in_use');
});

test.each<[string, object, string]>([
  ['/price-cards', { name: 'x', currency: 'EUR', lines: [] }, 'currency'],
  ['/promo-codes', { code: 'A' }, 'percent'],
  ['/promo-codes', { code: 'A', percent: 1, amount: { amount: 1, currency: 'USD' } }, 'percent'],
  ['/promo-codes', { code: 'A B', percent: 1 }, 'code'],
  ['/promo-codes', { code: 'A', percent: 101 }, 'percent'],
  [
    '/promo-codes',
    {
      code: 'A',
      percent: 1,
      valid_from: '2035-01-02T00:00:00Z',
      valid_until: '2035-01-01T00:00:00Z',
    },
    'valid_until',
  ],
])('POST %s refuses %j with the field', async (path, body, field) => {
  const refused = await send('POST', path, body);
  expect(refused.status).toBe(400);
  expect(refused.body.errors.map((it: { path: string }) => it.path)).toContain(field);
});

test('a price card refuses an unknown type and a repeated line', async () => {
  const { id } = await newType();
  expect((await send('POST', '/price-cards', card(999_999_999))).status).toBe(404);
  const line = { ticket_type_id: id, amount: 1 };
  const twice = await send('POST', '/price-cards', card(id, { lines: [line, line] }));
  expect(twice.body.errors[0].path).toBe('lines.1');
});

describe('the price card of a new screening', () => {
  const newScreening = async (fields: object) => {
    const movie = await insertMovie(catalog.db);
    const theater = await insertTheater(catalog.db, { time_zone: 'Europe/Berlin' });
    return send('POST', '/screenings', { movie_id: movie.id, theater_id: theater.id, ...fields });
  };
  let monday: number;
  beforeAll(async () => {
    const applies_to = { weekdays: [1], from: '06:00', until: '06:00' };
    const made = await send('POST', '/price-cards', card((await newType()).id, { applies_to }));
    monday = made.body.price_card.id;
  });

  // 30 July 2035 is a Monday; Berlin is two hours ahead of UTC.
  test.each([
    ['2035-07-30T17:00:00Z', true],
    ['2035-07-30T22:30:00Z', true], // 00:30 on Tuesday
    ['2035-07-29T22:30:00Z', false], // 00:30 on Monday
    ['2035-07-31T17:00:00Z', false],
  ])('%s is by the business day of the theater: %s', async (starts_at, isMonday) => {
    const { screening } = (await newScreening({ starts_at })).body;
    expect(screening.price_card_id).toBe(isMonday ? monday : null);
  });

  test('is its own, or none where it has a flat price', async () => {
    const starts_at = '2035-07-30T17:00:00Z';
    const price = { amount: 5, currency: 'USD' };
    const flat = (await newScreening({ starts_at, price })).body.screening;
    expect(flat.price_card_id).toBeNull();
    const none = (await newScreening({ starts_at, price_card_id: null })).body.screening;
    expect(none.price_card_id).toBeNull();
    expect((await newScreening({ starts_at, price, price_card_id: monday })).status).toBe(400);
    expect((await newScreening({ starts_at, price_card_id: 999_999 })).status).toBe(404);
    const path = `/screenings/${String(flat.id)}`;
    const carded = await send('PATCH', path, { price_card_id: monday });
    expect(carded.body.screening.price_card_id).toBe(monday);
    const again = await send('PATCH', path, { price: { amount: 6, currency: 'USD' } });
    expect(again.body.screening).toMatchObject({ price_card_id: null, price: { amount: 6 } });
  });
});

describe('GET /screenings/:id/prices', () => {
  const pricesOf = async (id: number) =>
    (await catalog.api('GET', `/screenings/${String(id)}/prices`)).body.prices;

  test('has one price for everyone without a card', async () => {
    const { id } = await insertScreening(catalog.db);
    expect(await pricesOf(id)).toMatchObject({
      screening_id: id,
      prices: [{ ticket_type_id: null, category: null, total: { amount: 1_500, currency: 'USD' } }],
    });
  });

  test('has every active type and category, with fee and included tax', async () => {
    const { id: price_card_id, types } = await insertPriceCard(catalog.db, {
      booking_fee_minor: 100,
      tax_rate_bp: 1_900,
      lines: [
        ['Adult', null, 1_000],
        ['Adult', 'Premium', 1_500],
        ['Staff', null, 0],
      ],
    });
    const { id } = await insertSeatedScreening(catalog.db, drawnPlan(['sspp']), { price_card_id });
    const { prices } = await pricesOf(id);
    expect(
      prices.map((it: any) => [it.ticket_type_id, it.category, it.total.amount, it.tax.amount]),
    ).toEqual([
      [types['Adult'], 'Standard', 1_100, 176],
      [types['Adult'], 'Premium', 1_600, 255],
      [types['Staff'], 'Standard', 100, 16],
      [types['Staff'], 'Premium', 100, 16],
    ]);
    await catalog.db.query('UPDATE ticket_types SET active = false WHERE id = $1', [
      types['Staff'],
    ]);
    const open = await insertScreening(catalog.db, { price_card_id });
    expect((await pricesOf(open.id)).prices).toMatchObject([{ category: null }]);
  });
});
