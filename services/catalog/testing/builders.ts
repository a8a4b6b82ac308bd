import type { Queryable } from '@movie-ticketing/kit/database';
import { bitsOf } from '@movie-ticketing/kit/seat-bitmap';
import type { Seat, SeatPlanContent } from '@movie-ticketing/kit/seat-plan';
import { foldText } from '@movie-ticketing/kit/text-folding';

/**
 * Rows for tests, inserted by the owner of the tables without the rules of the service (a screening that started
 * yesterday, for instance). Every column has a plain value; a test overrides the columns it is about.
 */

let made = 0;
const next = (): number => (made += 1);

const insert = async <Row>(
  db: Queryable,
  table: string,
  columns: Record<string, unknown>,
): Promise<Row> => {
  const names = Object.keys(columns);
  const [row] = await db.query<Row>(
    `INSERT INTO ${table} (${names.join(', ')})
     VALUES (${names.map((_name, index) => `$${String(index + 1)}`).join(', ')})
     RETURNING *`,
    Object.values(columns),
  );
  if (row === undefined) throw new Error(`nothing was inserted into ${table}`);
  return row;
};

export type MovieColumns = {
  title: string;
  description: string;
  duration_minutes: number;
  price_minor: number;
  currency: string;
  start_date: string;
  end_date: string;
};

export const insertMovie = (
  db: Queryable,
  overrides: Partial<MovieColumns> = {},
): Promise<MovieColumns & { id: number }> => {
  const title = overrides.title ?? `Movie ${String(next())}`;
  return insert(db, 'movies', {
    title,
    title_folded: foldText(title),
    description: '',
    duration_minutes: 120,
    price_minor: 1_500,
    currency: 'USD',
    start_date: '2000-01-01',
    end_date: '2099-12-31',
    ...overrides,
  });
};

export type TheaterColumns = {
  name: string;
  location: string;
  time_zone: string;
  total_seats: number;
  seat_plan_id: number | null;
  prevent_orphan_seats: boolean;
};

export const insertTheater = (
  db: Queryable,
  overrides: Partial<TheaterColumns> = {},
): Promise<TheaterColumns & { id: number }> =>
  insert(db, 'theaters', {
    name: `Theater ${String(next())}`,
    location: 'London',
    time_zone: 'Europe/London',
    total_seats: 100,
    ...overrides,
  });

export type ScreeningColumns = {
  movie_id: number;
  theater_id: number;
  starts_at: Date;
  ends_at: Date;
  price_minor: number;
  currency: string;
  total_seats: number;
  available_seats: number;
  status: 'scheduled' | 'cancelled';
  seat_plan_id: number | null;
  price_card_id: number | null;
  taken: string | null;
  blocked: string | null;
};

const hourMs = 3_600_000;

/**
 * A screening that starts in 24 hours and lasts two, with its own movie and theater by default, so that no two
 * screenings overlap in one theater. All its seats are free by default; with fewer `available_seats`, add
 * the bookings that hold the others, or invariant 1 is broken.
 */
export const insertScreening = async (
  db: Queryable,
  overrides: Partial<ScreeningColumns> = {},
): Promise<ScreeningColumns & { id: number }> => {
  const startsAt = overrides.starts_at ?? new Date(Date.now() + 24 * hourMs);
  const seats = overrides.total_seats ?? 100;
  return insert(db, 'screenings', {
    movie_id: overrides.movie_id ?? (await insertMovie(db)).id,
    theater_id: overrides.theater_id ?? (await insertTheater(db, { total_seats: seats })).id,
    starts_at: startsAt,
    ends_at: new Date(startsAt.getTime() + 2 * hourMs),
    price_minor: 1_500,
    currency: 'USD',
    total_seats: seats,
    available_seats: seats,
    ...overrides,
  });
};

/**
 * A seat plan drawn in text, a row a line from `A` on: `s` a seat, `p` a seat of the category Premium, `w` a
 * wheelchair space, `c` its companion seat to the right, `2` a couple seat (two of them side by side), and a
 * space for an aisle. Seats are numbered from 1 in each row.
 */
export const drawnPlan = (rows: readonly string[]): SeatPlanContent => {
  const seats = rows.flatMap((line, y) => {
    const row = y < 26 ? String.fromCharCode(65 + y) : `R${String(y)}`;
    let number = 0;
    return Array.from(line).flatMap((sign, x): Seat[] => {
      if (sign === ' ') return [];
      number += 1;
      const id = `${row}-${String(number)}`;
      const kind = sign === 'w' ? 'wheelchair' : sign === 'c' ? 'companion' : 'standard';
      return [
        {
          ...{ id, row, number: String(number), kind, x, y },
          category: sign === 'p' ? 'Premium' : 'Standard',
          ...(sign === 'c' ? { companion_of: `${row}-${String(number - 1)}` } : {}),
          ...(sign === '2' ? { group: `${row}${String(Math.floor((number - 1) / 2))}` } : {}),
        },
      ];
    });
  });
  const categories = [
    { name: 'Standard', color: '#3366cc' },
    { name: 'Premium', color: '#dc3912' },
  ];
  return { categories, seats };
};

/** A screening of a theater with that seat plan, all of whose seats are free. */
export const insertSeatedScreening = async (
  db: Queryable,
  { categories, seats }: SeatPlanContent,
  overrides: Partial<ScreeningColumns> & { prevent_orphan_seats?: boolean } = {},
): Promise<ScreeningColumns & { id: number }> => {
  const { prevent_orphan_seats = false, ...columns } = overrides;
  const total_seats = seats.length;
  const theater = await insertTheater(db, { total_seats, prevent_orphan_seats });
  const plan = await insert<{ id: number }>(db, 'seat_plans', {
    theater_id: theater.id,
    name: theater.name,
    categories: JSON.stringify(categories),
    seats: JSON.stringify(seats),
  });
  await db.query('UPDATE theaters SET seat_plan_id = $2 WHERE id = $1', [theater.id, plan.id]);
  const none = bitsOf(total_seats, []);
  return insertScreening(db, {
    ...{ theater_id: theater.id, total_seats, seat_plan_id: plan.id, taken: none, blocked: none },
    ...columns,
  });
};

export type PriceCardRow = {
  currency?: string;
  booking_fee_minor?: number;
  tax_rate_bp?: number;
  /** Name of the type, category, amount. */
  lines: readonly (readonly [type: string, category: string | null, amount: number])[];
};

/** A price card with ticket types of its own; a type whose name begins with `Staff` is for staff only. */
export const insertPriceCard = async (
  db: Queryable,
  { lines, ...overrides }: PriceCardRow,
): Promise<{ id: number; types: Record<string, number> }> => {
  const card = await insert<{ id: number }>(db, 'price_cards', {
    name: `Card ${String(next())}`,
    currency: 'USD',
    booking_fee_minor: 0,
    tax_rate_bp: 0,
    ...overrides,
  });
  const types: Record<string, number> = {};
  for (const [line, [name, category, amount]] of lines.entries()) {
    types[name] ??= (
      await insert<{ id: number }>(db, 'ticket_types', {
        name: `${name} ${String(next())}`,
        staff_only: name.startsWith('Staff'),
        active: true,
      })
    ).id;
    await insert(db, 'price_lines', {
      price_card_id: card.id,
      ticket_type_id: types[name],
      ...{ line, category, amount_minor: amount },
    });
  }
  return { id: card.id, types };
};

export type PromoCodeColumns = {
  code: string;
  percent: number | null;
  amount_minor: number | null;
  currency: string | null;
  max_uses: number | null;
  valid_from: Date | null;
  valid_until: Date | null;
  screening_id: number | null;
  movie_id: number | null;
};

export const insertPromoCode = (
  db: Queryable,
  overrides: Partial<PromoCodeColumns> = {},
): Promise<PromoCodeColumns & { id: number }> =>
  insert(db, 'promo_codes', {
    code: `CODE${String(next())}`,
    ...(overrides.amount_minor === undefined ? { percent: 10 } : { currency: 'USD' }),
    ...overrides,
  });

export type UserColumns = {
  email: string | null;
  password_hash: string | null;
  role: 'customer' | 'staff' | 'admin';
  deleted_at: Date | null;
};

/** A user without a usable password. `deleted_at` makes it a deleted user. */
export const insertUser = (
  db: Queryable,
  overrides: Partial<UserColumns> = {},
): Promise<UserColumns & { id: number }> => {
  const isDeleted = overrides.deleted_at !== undefined && overrides.deleted_at !== null;
  const email = isDeleted ? null : (overrides.email ?? `user${String(next())}@example.com`);
  return insert(db, 'users', {
    email,
    canonical_email: email,
    password_hash: isDeleted ? null : '!',
    role: 'customer',
    ...overrides,
  });
};
