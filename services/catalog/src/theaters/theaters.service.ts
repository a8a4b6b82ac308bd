import type { Database, Queryable } from '@movie-ticketing/kit/database';
import type { ApiResponse, Verify } from '@movie-ticketing/kit/endpoint';
import { withIdempotency, type IdempotentRequest } from '@movie-ticketing/kit/idempotency';
import { invalid, Problem } from '@movie-ticketing/kit/problems';

import { requireAllWithinRun } from '../movies/run.ts';
import { makeScreeningsRepository } from '../screenings/screenings.repository.ts';
import { makeTheatersRepository } from './theaters.repository.ts';
import type { NewTheater, Theater, TheaterChange, TheaterQuery } from './theaters.schema.ts';

export const theaterNotFound = (): Problem =>
  new Problem('not_found', { detail: 'Theater not found.' });

/** @throws Problem outside_run where an upcoming screening falls on a day outside its movie's run */
const requireLegalTimeZone = async (
  tx: Queryable,
  theater: Theater,
  timeZone: string,
): Promise<void> => {
  if (timeZone === theater.timeZone) return;
  const upcoming = await makeScreeningsRepository(tx).upcomingOf('theater_id', theater.id);
  requireAllWithinRun(upcoming.map((each) => ({ ...each, timeZone })));
};

/** @throws Problem invalid_request: the seats of a plan are counted, not set */
const requireSeatsOfPlan = (theater: Theater, change: TheaterChange): void => {
  if (theater.seatPlanId === null || change.seat_plan_id === null) return;
  if (change.total_seats === undefined || change.total_seats === theater.totalSeats) return;
  throw invalid('total_seats', 'follows the seat plan of the theater');
};

export type TheatersService = ReturnType<typeof makeTheatersService>;

export const makeTheatersService = (db: Database) => {
  const theaters = makeTheatersRepository(db);
  return {
    list: (query: TheaterQuery): Promise<Theater[]> => theaters.list(query),

    get: async (id: number): Promise<Theater> => {
      const theater = await theaters.find(id);
      if (theater === undefined) throw theaterNotFound();
      return theater;
    },

    /** @param present the response, which is stored with the theater in one transaction */
    create: (
      theater: NewTheater,
      idempotency: IdempotentRequest | undefined,
      present: (theater: Theater) => ApiResponse,
    ): Promise<ApiResponse> =>
      withIdempotency(db, 'catalog_idempotency_keys', idempotency, async (tx) =>
        present(await makeTheatersRepository(tx).insert(theater)),
      ),

    /** Screenings keep their instants and their seats; a new number of seats is for new screenings. */
    change: (id: number, change: TheaterChange, verify: Verify<Theater>): Promise<Theater> =>
      db.transaction(async (tx) => {
        const repository = makeTheatersRepository(tx);
        const theater = await repository.lock(id);
        if (theater === undefined) throw theaterNotFound();
        verify(theater);
        requireSeatsOfPlan(theater, change);
        await requireLegalTimeZone(tx, theater, change.time_zone ?? theater.timeZone);
        return repository.update(id, change);
      }),

    remove: (id: number, verify: Verify<Theater>): Promise<void> =>
      db.transaction(async (tx) => {
        const repository = makeTheatersRepository(tx);
        const theater = await repository.lock(id);
        if (theater === undefined) throw theaterNotFound();
        verify(theater);
        await repository.remove(id);
      }),
  };
};
