import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { positionsIn } from '@movie-ticketing/kit/seat-bitmap';
import fc from 'fast-check';

import { fitSeatPlan } from '../src/screenings/fit-seat-plan.ts';
import {
  drawnPlan,
  insertMovie,
  insertScreening,
  insertSeatedScreening,
  insertTheater,
} from '../testing/builders.ts';
import { startTestCatalog, type RunningCatalog } from '../testing/running-catalog.ts';

let catalog: RunningCatalog;
let staff: string;
beforeAll(async () => {
  catalog = await startTestCatalog();
  staff = (await catalog.signUp('staff')).token;
});
afterAll(() => catalog.stop());

const send = (method: string, path: string, body?: unknown, token = catalog.admin) =>
  catalog.api(method, path, { token, body });

const csv = (theaterId: number, body: string) =>
  catalog.api('PUT', `/theaters/${String(theaterId)}/seat-plan`, {
    token: catalog.admin,
    body,
    headers: { 'Content-Type': 'text/csv' },
  });

const smallPlan = {
  name: 'Small',
  seats: [1, 2, 3].map((number) => ({ row: 'A', number, category: 'Stalls' })),
};

const newTheaterWithPlan = async (plan: object = smallPlan) => {
  const { id } = await insertTheater(catalog.db);
  const made = await send('PUT', `/theaters/${String(id)}/seat-plan`, plan);
  expect(made.status).toBe(201);
  return { id, planId: made.body.seat_plan.id as number, made };
};

const newScreening = async (theaterId: number, fields: object = {}) => {
  const movie = await insertMovie(catalog.db);
  const starts_at = '2035-06-01T19:30:00Z';
  const body = { movie_id: movie.id, theater_id: theaterId, starts_at, ...fields };
  return send('POST', '/screenings', body);
};

describe('a seat plan', () => {
  test('is a new version each time, and the theater has its seats', async () => {
    const { id, planId, made } = await newTheaterWithPlan();
    expect(made.headers.get('location')).toBe(`/seat-plans/${String(planId)}`);
    const read = await catalog.api('GET', `/seat-plans/${String(planId)}`);
    expect(read.body).toEqual(made.body);
    expect(read.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(read.body.seat_plan.seats[0]).toMatchObject({ id: 'A-1', kind: 'standard', x: 0, y: 0 });
    const theater = await catalog.api('GET', `/theaters/${String(id)}`);
    expect(theater.body.theater).toMatchObject({ seat_plan_id: planId, total_seats: 3 });

    const second = await csv(id, 'row,seat,category\nA,1,Stalls\n');
    expect(second.status).toBe(201);
    expect(second.body.seat_plan.id).not.toBe(planId);
    expect((await catalog.api('GET', `/seat-plans/${String(planId)}`)).body).toEqual(made.body);
  });

  test('names the place of each fault, and changes nothing', async () => {
    const { id } = await insertTheater(catalog.db);
    const refused = await csv(
      id,
      'row,seat,category,kind\nA,1,Stalls,throne\n,2,Stalls,standard\n',
    );
    expect(refused.status).toBe(400);
    expect(refused.body.errors.map(({ path }: { path: string }) => path)).toEqual([
      'line 2, kind',
      'line 3, row',
    ]);
    const theater = await catalog.api('GET', `/theaters/${String(id)}`);
    expect(theater.body.theater.seat_plan_id).toBeNull();
  });

  test('of 5,000 seats is accepted, and larger ones and other types are not', async () => {
    const { id } = await insertTheater(catalog.db);
    const table = (seats: number) =>
      [
        'row,seat,category',
        ...Array.from({ length: seats }, (_, n) => `R,${String(n)},Stalls`),
      ].join('\n');
    expect((await csv(id, table(5_000))).status).toBe(201);
    expect((await csv(id, table(5_001))).body.errors[0].message).toBe(
      'must have at most 5000 seats',
    );
    const path = `/theaters/${String(id)}/seat-plan`;
    const xml = await catalog.api('PUT', path, {
      token: catalog.admin,
      body: '<plan/>',
      headers: { 'Content-Type': 'text/xml' },
    });
    expect([xml.status, xml.body.code]).toEqual([415, 'unsupported_media_type']);
    const huge = await csv(id, 'x'.repeat(4_000_001));
    expect([huge.status, huge.body.code]).toEqual([413, 'payload_too_large']);
  });

  test('gives a theater back to general admission, and is deleted with it', async () => {
    const { id, planId } = await newTheaterWithPlan();
    const path = `/theaters/${String(id)}`;
    const counted = await send('PATCH', path, { total_seats: 4 });
    expect(counted.body.errors[0].path).toBe('total_seats');
    const open = await send('PATCH', path, { seat_plan_id: null, total_seats: 4 });
    expect(open.body.theater).toMatchObject({ seat_plan_id: null, total_seats: 4 });
    expect((await send('DELETE', path)).status).toBe(204);
    expect((await catalog.api('GET', `/seat-plans/${String(planId)}`)).status).toBe(404);
  });
});

describe('a screening', () => {
  test('keeps the plan that its theater had when it was made', async () => {
    const { id, planId } = await newTheaterWithPlan();
    const { screening } = (await newScreening(id)).body;
    expect(screening).toMatchObject({ seat_plan_id: planId, total_seats: 3, available_seats: 3 });
    await send('PUT', `/theaters/${String(id)}/seat-plan`, {
      seats: [{ row: 'B', number: '1', category: 'Stalls' }],
    });
    const path = `/screenings/${String(screening.id)}`;
    expect((await catalog.api('GET', path)).body.screening.seat_plan_id).toBe(planId);
    const theater = await catalog.api('GET', `/theaters/${String(id)}`);
    const { seat_plan_id } = theater.body.theater;
    const adopted = await send('PATCH', path, { seat_plan_id });
    expect(adopted.body.screening).toMatchObject({ seat_plan_id, total_seats: 1 });
    const stale = await send('PATCH', path, { seat_plan_id: planId });
    expect(stale.body.errors[0].path).toBe('seat_plan_id');
    const open = await send('PATCH', path, { seat_plan_id: null, total_seats: 9 });
    expect(open.body.screening).toMatchObject({ seat_plan_id: null, available_seats: 9 });
  });

  test('moves to a theater whose plan has its taken seats at the same places, and to no other', async () => {
    const plan = drawnPlan(['ssss', 'ssss']);
    const seated = await insertSeatedScreening(catalog.db, plan, {
      taken: '10000000',
      available_seats: 7,
    });
    const path = `/screenings/${String(seated.id)}`;
    const twin = await newTheaterWithPlan(drawnPlan(['ssss', 'ssss', 'ss']));
    const moved = await send('PATCH', path, { theater_id: twin.id });
    expect(moved.body.screening).toMatchObject({
      seat_plan_id: twin.planId,
      total_seats: 10,
      available_seats: 9,
    });
    const other = await newTheaterWithPlan({
      seats: [{ row: 'Z', number: '1', category: 'Stalls' }],
    });
    const refused = await send('PATCH', path, { theater_id: other.id });
    expect(refused.body).toMatchObject({ code: 'has_live_bookings', seats: ['A-1'] });
    const open = await insertTheater(catalog.db);
    expect((await send('PATCH', path, { theater_id: open.id })).body.code).toBe(
      'has_live_bookings',
    );
  });
});

describe('a seat map', () => {
  test('shows taken and blocked seats, and general admission none', async () => {
    const seated = await insertSeatedScreening(catalog.db, drawnPlan(['ssss ssss', 'ss']), {
      taken: '1000000010',
      available_seats: 8,
    });
    const path = `/screenings/${String(seated.id)}/seats`;
    const read = await catalog.api('GET', path);
    expect(read.body).toEqual({
      seat_plan_id: seated.seat_plan_id,
      version: 0,
      taken: Buffer.from([0b1, 0b1]).toString('base64'),
      blocked: Buffer.from([0, 0]).toString('base64'),
    });
    expect(read.headers.get('etag')).toMatch(/^"/);
    const open = await insertScreening(catalog.db);
    expect((await catalog.api('GET', `/screenings/${String(open.id)}/seats`)).body).toEqual({
      seat_plan_id: null,
      version: 0,
      taken: '',
      blocked: '',
    });
  });

  test('staff block and unblock free seats, all or nothing', async () => {
    const seated = await insertSeatedScreening(catalog.db, drawnPlan(['ssss']), {
      taken: '1000',
      available_seats: 3,
    });
    const path = `/screenings/${String(seated.id)}/seats`;
    const change = (body: object, token = staff) => send('PATCH', path, body, token);
    const blocked = await change({ block: ['A-2', 'A-3'] });
    expect(blocked.body).toMatchObject({
      version: 1,
      blocked: Buffer.from([6]).toString('base64'),
    });
    const read = await catalog.api('GET', `/screenings/${String(seated.id)}`);
    expect(read.body.screening.available_seats).toBe(1);
    const taken = await change({ block: ['A-1', 'A-4'] });
    expect(taken.body).toMatchObject({ code: 'seats_taken', seats: ['A-1'] });
    expect((await change({ unblock: ['A-9'] })).body.errors[0].path).toBe('unblock.0');
    expect((await change({})).status).toBe(400);
    const freed = await change({ unblock: ['A-2', 'A-4'] });
    expect(freed.body).toMatchObject({ version: 2, blocked: Buffer.from([4]).toString('base64') });
    const customer = (await catalog.signUp('customer')).token;
    expect((await change({ block: ['A-2'] }, customer)).status).toBe(403);
  });
});

test('a screening in another plan keeps its taken seats, or names those that it would lose', () => {
  const rows = fc.array(fc.stringMatching(/^[sw]{1,4}$/), { minLength: 1, maxLength: 3 });
  const states = fc.array(fc.constantFrom('taken', 'blocked', 'free'), {
    minLength: 12,
    maxLength: 12,
  });
  fc.assert(
    fc.property(rows, rows, states, (before, after, any) => {
      const [from, to] = [drawnPlan(before), drawnPlan(after)];
      const mapOf = (state: string) =>
        from.seats.map((_, at) => (any[at] === state ? '1' : '0')).join('');
      const fitted = fitSeatPlan({ taken: mapOf('taken'), blocked: mapOf('blocked') }, from, to);
      const lost = from.seats.filter(
        (seat, at) =>
          any[at] === 'taken' && (to.seats[at]?.id !== seat.id || to.seats[at].kind !== seat.kind),
      );
      if ('missing' in fitted) {
        expect(fitted.missing).toEqual(lost.map(({ id }) => id));
        return;
      }
      expect(lost).toEqual([]);
      expect(fitted.taken).toHaveLength(to.seats.length);
      expect(fitted.taken.replaceAll('0', '')).toBe(mapOf('taken').replaceAll('0', ''));
      const both = positionsIn(fitted.taken).filter((at) => fitted.blocked[at] === '1');
      expect(both).toEqual([]);
    }),
  );
});
