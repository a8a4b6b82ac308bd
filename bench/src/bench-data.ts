import type { Database } from '@movie-ticketing/kit/database';
import { z } from 'zod';

export type BenchData = {
  /** One access token per user. */
  tokens: readonly string[];
  /** Two sets of screenings, one to measure and one to warm up. The first of each is the hot one. */
  screenings: readonly number[];
  otherScreenings: readonly number[];
  /** Two sets of screenings with numbered seats. */
  seated: readonly number[];
  otherSeated: readonly number[];
};

/** The most that a theater may have. */
export const seats = 100_000;

/** Of a screening with numbered seats: 40 rows of 50. */
export const numberedSeats = 2_000;
const seatsPerRow = 50;

export const seatId = (position: number): string =>
  `${String(Math.floor(position / seatsPerRow) + 1)}-${String((position % seatsPerRow) + 1)}`;

const seatPlan = (): { categories: object[]; seats: object[] } => ({
  categories: [{ name: 'Stalls', color: '#3366cc' }],
  seats: Array.from({ length: numberedSeats }, (_, position) => {
    const [row = '', number = ''] = seatId(position).split('-');
    const at = { x: position % seatsPerRow, y: Math.floor(position / seatsPerRow) };
    return { id: seatId(position), row, number, category: 'Stalls', kind: 'standard', ...at };
  }),
});

/**
 * Two sets of `count` screenings with numbered seats, sold one after the other: one would be sold out within a second.
 * Theaters allow single seats, since simulated customers choose seats in order.
 */
export const insertSeatedScreenings = async (
  db: Database,
  count: number,
): Promise<Pick<BenchData, 'seated' | 'otherSeated'>> => {
  const { categories, seats: planned } = seatPlan();
  const rows = await db.query<{ id: number }>(
    `WITH theater AS (
       INSERT INTO theaters (name, location, time_zone, total_seats, prevent_orphan_seats)
       SELECT 'Theater with numbered seats ' || n, 'London', 'Europe/London', $4::int, false FROM generate_series(1, $1::int) AS n RETURNING id
     ), plan AS (
       INSERT INTO seat_plans (theater_id, name, categories, seats)
       SELECT min(id), 'Numbered seats', $2::json, $3::json FROM theater RETURNING id
     )
     INSERT INTO screenings (movie_id, theater_id, starts_at, ends_at, price_minor, currency, total_seats,
       available_seats, seat_plan_id, taken, blocked)
     SELECT 1, theater.id, now() + interval '30 days', now() + interval '30 days 2 hours', 1500, 'USD', $4::int, $4::int,
       plan.id, repeat('0', $4::int)::bit varying, repeat('0', $4::int)::bit varying
     FROM theater, plan ORDER BY theater.id RETURNING id`,
    [2 * count, JSON.stringify(categories), JSON.stringify(planned), numberedSeats],
  );
  const ids = rows.map(({ id }) => id);
  return { seated: ids.slice(0, count), otherSeated: ids.slice(count) };
};

/** Two sets of `count` screenings, each screening in a theater of its own. */
export const insertScreenings = async (
  db: Database,
  count: number,
): Promise<Pick<BenchData, 'screenings' | 'otherScreenings'>> => {
  await db.query(
    `INSERT INTO movies (title, title_folded, description, duration_minutes, price_minor, currency, start_date, end_date)
     SELECT 'Movie ' || n, 'MOVIE ' || n, repeat('A description of ordinary length. ', 5), 120, 1500, 'USD',
            current_date, current_date + 90
     FROM generate_series(1, 50) AS n`,
  );
  await db.query(
    `INSERT INTO theaters (name, location, time_zone, total_seats)
     SELECT 'Theater ' || n, 'London', 'Europe/London', $2 FROM generate_series(1, $1::int) AS n`,
    [2 * count, seats],
  );
  const rows = await db.query<{ id: number }>(
    `INSERT INTO screenings
       (movie_id, theater_id, starts_at, ends_at, price_minor, currency, total_seats, available_seats)
     SELECT 1 + id % 50, id, now() + interval '30 days', now() + interval '30 days 2 hours', 1500, 'USD', $1, $1
     FROM theaters ORDER BY id RETURNING id`,
    [seats],
  );
  await db.query('ANALYZE');
  const ids = rows.map(({ id }) => id);
  return { screenings: ids.slice(0, count), otherScreenings: ids.slice(count) };
};

const registered = z.object({ access_token: z.string() });

/** Registers users through the API, sixteen at a time, and returns their access tokens. */
export const registerUsers = async (url: string, count: number): Promise<string[]> => {
  const tokens: string[] = [];
  let started = 0;
  const lane = async (): Promise<void> => {
    while (started < count) {
      started += 1;
      const response = await fetch(`${url}/users/register`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({
          email: `bench${String(started)}@example.com`,
          password: 'bench-mark',
        }),
      });
      if (response.status !== 201) {
        throw new Error(
          `POST /users/register responded with ${String(response.status)}: ${await response.text()}`,
        );
      }
      tokens.push(registered.parse(await response.json()).access_token);
    }
  };
  await Promise.all(Array.from({ length: 16 }, lane));
  return tokens;
};

/**
 * Every cell begins with the same database: no bookings, all seats available, nothing to flush. Screenings
 * are locked first, as the lock order demands, so that a late booking comes before or after.
 */
export const resetBookings = async (db: Database): Promise<void> => {
  await db.transaction(async (tx) => {
    await tx.query('SELECT id FROM screenings ORDER BY id FOR UPDATE');
    await tx.query('TRUNCATE bookings, tickets, bookings_idempotency_keys, payments');
    await tx.query(
      `UPDATE screenings SET available_seats = total_seats,
         taken = CASE WHEN seat_plan_id IS NOT NULL THEN repeat('0', total_seats)::bit varying END
       WHERE available_seats <> total_seats`,
    );
  });
  await db.query('VACUUM ANALYZE screenings');
  // Needs a right that the owner of an external database may lack. Without it, a checkpoint may fall into a cell.
  await db.query('CHECKPOINT').catch(() => undefined);
};
