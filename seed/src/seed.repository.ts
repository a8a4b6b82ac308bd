import type { Queryable } from '@movie-ticketing/kit/database';
import { bitsOf } from '@movie-ticketing/kit/seat-bitmap';
import { makeParameters, unnestColumns } from '@movie-ticketing/kit/statements';

export type NewUser = {
  email: string;
  role: string;
  password_hash: string;
};

export type NewScreening = {
  movieId: number;
  theaterId: number;
  startsAt: Date;
  endsAt: Date;
  priceMinor: number;
  currency: string;
  totalSeats: number;
  /** Null: general admission. */
  seatPlanId: number | null;
};

/** The seat map of a new screening. */
const noSeats = ({ seatPlanId, totalSeats }: NewScreening): string | null =>
  seatPlanId === null ? null : bitsOf(totalSeats, []);

const screeningColumns = (screenings: readonly NewScreening[]) => {
  const column = (type: string, valueOf: (screening: NewScreening) => unknown) => ({
    type,
    values: screenings.map(valueOf),
  });
  return {
    movie_id: column('bigint', ({ movieId }) => movieId),
    theater_id: column('bigint', ({ theaterId }) => theaterId),
    starts_at: column('timestamptz', ({ startsAt }) => startsAt),
    ends_at: column('timestamptz', ({ endsAt }) => endsAt),
    price_minor: column('bigint', ({ priceMinor }) => priceMinor),
    currency: column('text', ({ currency }) => currency),
    total_seats: column('integer', ({ totalSeats }) => totalSeats),
    available_seats: column('integer', ({ totalSeats }) => totalSeats),
    seat_plan_id: column('bigint', ({ seatPlanId }) => seatPlanId),
    taken: column('bit varying', noSeats),
    blocked: column('bit varying', noSeats),
  };
};

/** Statements of the seed beside those of the catalog's repositories. */
export const makeSeedRepository = (db: Queryable) => ({
  /** Held until the transaction ends: of two seeds at once, the second waits for the first. */
  lock: async (): Promise<void> => {
    await db.query(`SELECT pg_advisory_xact_lock(hashtextextended('movie-ticketing:seed', 0))`);
  },

  isSeeded: async (mode: string): Promise<boolean> => {
    const rows = await db.query('SELECT FROM seed_runs WHERE mode = $1', [mode]);
    return rows.length === 1;
  },

  markSeeded: async (mode: string): Promise<void> => {
    await db.query('INSERT INTO seed_runs (mode) VALUES ($1)', [mode]);
  },

  setSeatPlan: async (theaterId: number, seatPlanId: number): Promise<void> => {
    await db.query('UPDATE theaters SET seat_plan_id = $2 WHERE id = $1', [theaterId, seatPlanId]);
  },

  insertScreenings: async (screenings: readonly NewScreening[]): Promise<void> => {
    const parameters = makeParameters();
    const columns = screeningColumns(screenings);
    const names = Object.keys(columns).join(', ');
    const source = unnestColumns(parameters, 'planned', columns);
    await db.query(
      `INSERT INTO screenings (${names}) SELECT ${names} FROM ${source}`,
      parameters.values,
    );
  },

  /** A user who registered with one of these addresses before is left unchanged. */
  insertUsers: async (users: readonly NewUser[]): Promise<void> => {
    await db.query(
      `INSERT INTO users (email, canonical_email, role, password_hash)
         SELECT email, lower(email), role, password_hash
         FROM jsonb_to_recordset($1::jsonb) AS given (email text, role text, password_hash text)
         ON CONFLICT (canonical_email) DO NOTHING`,
      [JSON.stringify(users)],
    );
  },
});
