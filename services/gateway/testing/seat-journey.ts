import { expect } from '@jest/globals';
import type { ApiAnswer, ApiRequest } from '@movie-ticketing/kit/testing/api';
import { until } from '@movie-ticketing/kit/testing/until';

export type JourneyClients = {
  expectStatus: (
    status: number,
    method: string,
    path: string,
    request?: ApiRequest,
  ) => Promise<ApiAnswer>;
  asAdmin: (request?: ApiRequest) => ApiRequest;
  asCustomer: (request?: ApiRequest) => ApiRequest;
};

/** A theater gets a seat plan, its screening a price card, and a customer chooses seats. */
export const buySeats = async (
  { expectStatus, asAdmin, asCustomer }: JourneyClients,
  seated: number,
): Promise<void> => {
  const screening = `/screenings/${String(seated)}`;
  const { theater_id: theaterId } = (await expectStatus(200, 'GET', screening)).body.screening;
  const plan = {
    categories: [{ name: 'Stalls', color: '#3366cc' }],
    seats: ['1', '2', '3', '4'].map((number) => ({ row: 'A', number, category: 'Stalls' })),
  };
  const made = await expectStatus(
    201,
    'PUT',
    `/theaters/${String(theaterId)}/seat-plan`,
    asAdmin({ body: plan }),
  );
  const { id: planId } = made.body.seat_plan;
  await expectStatus(200, 'GET', `/seat-plans/${String(planId)}`);

  const crud = async (path: string, envelope: string, body: object, change: object) => {
    const { id } = (await expectStatus(201, 'POST', path, asAdmin({ body }))).body[envelope];
    await expectStatus(200, 'GET', path, asAdmin());
    await expectStatus(200, 'GET', `${path}/${String(id)}`, asAdmin());
    await expectStatus(200, 'PATCH', `${path}/${String(id)}`, asAdmin({ body: change }));
    return id as number;
  };
  const adult = await crud('/ticket-types', 'ticket_type', { name: 'Adult' }, { active: true });
  const card = await crud(
    '/price-cards',
    'price_card',
    { name: 'Evening', currency: 'USD', lines: [{ ticket_type_id: adult, amount: 1_000 }] },
    { booking_fee: 100, tax_rate_bp: 1_900 },
  );
  const promo = await crud(
    '/promo-codes',
    'promo_code',
    { code: 'HALF', percent: 40 },
    { percent: 50 },
  );
  await expectStatus(
    200,
    'PATCH',
    screening,
    asAdmin({ body: { seat_plan_id: planId, price_card_id: card } }),
  );
  await expectStatus(200, 'PATCH', `${screening}/seats`, asAdmin({ body: { block: ['A-4'] } }));
  const { body } = await expectStatus(200, 'GET', `${screening}/prices`);
  expect(body.prices.prices[0].total).toEqual({ amount: 1_100, currency: 'USD' });

  const order = {
    screening_id: seated,
    tickets: [{ ticket_type_id: adult, seat: 'A-1' }, { seat: 'A-2' }],
    promo_code: 'half',
  };
  const booked = await expectStatus(201, 'POST', '/bookings', asCustomer({ body: order }));
  expect(booked.body.booking).toMatchObject({
    subtotal: { amount: 2_000 },
    discount: { amount: 1_000 },
    fees: { amount: 200 },
    total: { amount: 1_200 },
  });
  const taken = await expectStatus(409, 'POST', '/bookings', asCustomer({ body: order }));
  expect(taken.body).toMatchObject({ code: 'seats_taken', seats: ['A-1', 'A-2'] });
  await until(async () => {
    const map = await expectStatus(200, 'GET', `${screening}/seats`);
    return map.body.taken === Buffer.from([3]).toString('base64');
  });
  const one = (path: string, id: number) => `${path}/${String(id)}`;
  await expectStatus(409, 'DELETE', one('/promo-codes', promo), asAdmin());
  await expectStatus(409, 'DELETE', one('/ticket-types', adult), asAdmin());
  await expectStatus(409, 'DELETE', one('/price-cards', card), asAdmin());
};

/** Ticket types, price cards and promo codes are deleted while nothing depends on them. */
export const deletePrices = async ({ expectStatus, asAdmin }: JourneyClients): Promise<void> => {
  const make = async (path: string, envelope: string, body: object): Promise<number> =>
    (await expectStatus(201, 'POST', path, asAdmin({ body }))).body[envelope].id;
  const child = await make('/ticket-types', 'ticket_type', { name: 'Child' });
  const card = await make('/price-cards', 'price_card', {
    name: 'Matinee',
    currency: 'USD',
    lines: [{ ticket_type_id: child, amount: 500 }],
  });
  const promo = await make('/promo-codes', 'promo_code', { code: 'ONCE', percent: 5 });
  await expectStatus(204, 'DELETE', `/price-cards/${String(card)}`, asAdmin());
  await expectStatus(204, 'DELETE', `/ticket-types/${String(child)}`, asAdmin());
  await expectStatus(204, 'DELETE', `/promo-codes/${String(promo)}`, asAdmin());
};
