import type { Database, Queryable } from '@movie-ticketing/kit/database';
import type { ApiResponse, Verify } from '@movie-ticketing/kit/endpoint';
import { withIdempotency, type IdempotentRequest } from '@movie-ticketing/kit/idempotency';
import { Problem } from '@movie-ticketing/kit/problems';

import { makeMoviesRepository } from '../movies/movies.repository.ts';
import type { Movie } from '../movies/movies.schema.ts';
import { movieNotFound } from '../movies/movies.service.ts';
import { makePriceCardsRepository } from '../price-cards/price-cards.repository.ts';
import { makeSeatMapsRepository } from '../seat-maps/seat-maps.repository.ts';
import { makeSeatPlansRepository } from '../seat-plans/seat-plans.repository.ts';
import { makeTheatersRepository } from '../theaters/theaters.repository.ts';
import type { Theater } from '../theaters/theaters.schema.ts';
import { theaterNotFound } from '../theaters/theaters.service.ts';
import { fitSeatPlan, type FittedSeats } from './fit-seat-plan.ts';
import { changesOf, newScreeningOf, planAfter } from './screening-rules.ts';
import {
  makeScreeningsRepository,
  type ListedScreening,
  type ScreeningUpdate,
} from './screenings.repository.ts';
import type {
  NewScreening,
  Screening,
  ScreeningChange,
  ScreeningQuery,
} from './screenings.schema.ts';

export const screeningNotFound = (): Problem =>
  new Problem('not_found', { detail: 'Screening not found.' });

/** Locks in the order of the whole system: the movie, the theater, then screenings. */
const lockReferences = async (
  tx: Queryable,
  movieId: number,
  theaterId: number,
): Promise<{ movie: Movie; theater: Theater }> => {
  const movie = await makeMoviesRepository(tx).lockShared(movieId);
  if (movie === undefined) throw movieNotFound();
  const theater = await makeTheatersRepository(tx).lock(theaterId);
  if (theater === undefined) throw theaterNotFound();
  return { movie, theater };
};

const insert = async (tx: Queryable, screening: NewScreening): Promise<Screening> => {
  const screenings = makeScreeningsRepository(tx);
  const references = await lockReferences(tx, screening.movie_id, screening.theater_id);
  const cards = await makePriceCardsRepository(tx).listChoosing();
  return screenings.insert(
    newScreeningOf({ ...references, now: await screenings.now() }, screening, cards),
  );
};

/** What a change to another seat plan needs: the seat map there, and the next version of the map. */
type NewPlan = { fitted: FittedSeats | undefined; seatsVersion: number };

/** @param screening that is locked @returns undefined where the plan stays */
const newPlanOf = async (
  tx: Queryable,
  screening: Screening,
  toId: number | null,
): Promise<NewPlan | undefined> => {
  if (toId === screening.seatPlanId) return undefined;
  const map = await makeSeatMapsRepository(tx).find(screening.id);
  const seatsVersion = (map?.version ?? 0) + 1;
  const { seatPlanId: fromId, taken, blocked } = map ?? {};
  if (toId === null || typeof fromId !== 'number' || !taken || !blocked) {
    return { fitted: undefined, seatsVersion };
  }
  const plans = makeSeatPlansRepository(tx);
  const [from, to] = [await plans.find(fromId), await plans.find(toId)];
  if (from === undefined || to === undefined) throw new Error('a seat plan does not exist');
  return { fitted: fitSeatPlan({ taken, blocked }, from, to), seatsVersion };
};

const updateOf = async (
  tx: Queryable,
  screening: Screening,
  references: { movie: Movie; theater: Theater },
  change: ScreeningChange,
): Promise<ScreeningUpdate> => {
  const plan = await newPlanOf(tx, screening, planAfter(screening, references.theater, change));
  const now = await makeScreeningsRepository(tx).now();
  const changes = changesOf(screening, { ...references, now, fitted: plan?.fitted }, change);
  return plan === undefined ? changes : { ...changes, seatsVersion: plan.seatsVersion };
};

/** @returns undefined where the screening was moved to another theater before its row was locked */
const tryChange = async (
  tx: Queryable,
  id: number,
  change: ScreeningChange,
  verify: Verify<Screening>,
): Promise<Screening | undefined> => {
  const screenings = makeScreeningsRepository(tx);
  const unlocked = await screenings.find(id);
  if (unlocked === undefined) throw screeningNotFound();
  const theaterId = change.theater_id ?? unlocked.theaterId;
  const references = await lockReferences(tx, unlocked.movieId, theaterId);
  const screening = await screenings.lock(id);
  if (screening === undefined) throw screeningNotFound();
  verify(screening);
  if ((change.theater_id ?? screening.theaterId) !== theaterId) return undefined;
  const changes = await updateOf(tx, screening, references, change);
  return Object.keys(changes).length === 0 ? screening : screenings.update(id, changes);
};

export type ScreeningsService = ReturnType<typeof makeScreeningsService>;

export const makeScreeningsService = (db: Database) => {
  const screenings = makeScreeningsRepository(db);
  return {
    list: (query: ScreeningQuery): Promise<ListedScreening[]> => screenings.list(query),

    get: async (id: number): Promise<Screening> => {
      const screening = await screenings.find(id);
      if (screening === undefined) throw screeningNotFound();
      return screening;
    },

    /** @param present the response, which is stored with the screening in one transaction */
    create: (
      screening: NewScreening,
      idempotency: IdempotentRequest | undefined,
      present: (screening: Screening) => ApiResponse,
    ): Promise<ApiResponse> =>
      withIdempotency(db, 'catalog_idempotency_keys', idempotency, async (tx) =>
        present(await insert(tx, screening)),
      ),

    /** The bookings service cancels the bookings of a cancelled screening: it watches `status`. */
    change: async (
      id: number,
      change: ScreeningChange,
      verify: Verify<Screening>,
    ): Promise<Screening> => {
      for (;;) {
        const changed = await db.transaction((tx) => tryChange(tx, id, change, verify));
        if (changed !== undefined) return changed;
      }
    },

    remove: (id: number, verify: Verify<Screening>): Promise<void> =>
      db.transaction(async (tx) => {
        const repository = makeScreeningsRepository(tx);
        const screening = await repository.lock(id);
        if (screening === undefined) throw screeningNotFound();
        verify(screening);
        await repository.remove(id);
      }),
  };
};
