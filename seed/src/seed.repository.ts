import type { ClientBase } from 'pg';

import type { DemoMovie, DemoTheater, Run } from './demo-data.ts';

export interface NewUser {
  email: string;
  role: string;
  password_hash: string;
}

export interface Programme {
  currency: string;
  movies: readonly (DemoMovie & Run & { title_folded: string })[];
  theaters: readonly DemoTheater[];
  screenings: readonly {
    title: string;
    theater: string;
    startsAt: Date;
    endsAt: Date;
    priceMinor: number;
  }[];
}

// Screenings find their film and hall by title and name among the rows this very statement made,
// so films of the same title that were there before are left alone.
const INSERT_PROGRAMME = `
WITH new_movies AS (
  INSERT INTO movies
    (title, title_folded, description, duration_minutes, price_minor, currency, start_date, end_date)
  SELECT title, title_folded, description, duration_minutes, price_minor, $4, "startDate", "endDate"
  FROM jsonb_to_recordset($1::jsonb) AS given (
    title text, title_folded text, description text, duration_minutes integer, price_minor bigint,
    "startDate" date, "endDate" date)
  RETURNING id, title
), new_theaters AS (
  INSERT INTO theaters (name, location, time_zone, total_seats)
  SELECT name, location, time_zone, total_seats
  FROM jsonb_to_recordset($2::jsonb) AS given (
    name text, location text, time_zone text, total_seats integer)
  RETURNING id, name, total_seats
)
INSERT INTO screenings (movie_id, theater_id, starts_at, ends_at, price_minor, currency,
                        total_seats, available_seats)
SELECT new_movies.id, new_theaters.id, given."startsAt", given."endsAt", given."priceMinor", $4,
       new_theaters.total_seats, new_theaters.total_seats
FROM jsonb_to_recordset($3::jsonb) AS given (
  title text, theater text, "startsAt" timestamptz, "endsAt" timestamptz, "priceMinor" bigint)
JOIN new_movies ON new_movies.title = given.title
JOIN new_theaters ON new_theaters.name = given.theater
ORDER BY given."startsAt", new_theaters.id`;

/** SQL of the seed; every function runs inside the caller's transaction on `client`. */
export function makeSeedRepository(client: ClientBase) {
  return {
    /** Held until the transaction ends: of two seeds at once, the second waits for the first. */
    async lock(): Promise<void> {
      await client.query(
        `SELECT pg_advisory_xact_lock(hashtextextended('movie-ticketing:seed', 0))`,
      );
    },

    async isSeeded(mode: string): Promise<boolean> {
      const found = await client.query('SELECT FROM seed_runs WHERE mode = $1', [mode]);
      return found.rowCount === 1;
    },

    async markSeeded(mode: string): Promise<void> {
      await client.query('INSERT INTO seed_runs (mode) VALUES ($1)', [mode]);
    },

    /** The number of screenings made. */
    async insertProgramme(programme: Programme): Promise<number> {
      const made = await client.query(INSERT_PROGRAMME, [
        JSON.stringify(programme.movies),
        JSON.stringify(programme.theaters),
        JSON.stringify(programme.screenings),
        programme.currency,
      ]);
      return made.rowCount ?? 0;
    },

    /** Someone who registered with such an address first keeps their account as it is. */
    async insertUsers(users: readonly NewUser[]): Promise<void> {
      await client.query(
        `INSERT INTO users (email, canonical_email, role, password_hash)
         SELECT email, lower(email), role, password_hash
         FROM jsonb_to_recordset($1::jsonb) AS given (email text, role text, password_hash text)
         ON CONFLICT (canonical_email) DO NOTHING`,
        [JSON.stringify(users)],
      );
    },
  };
}
