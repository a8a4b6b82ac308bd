import { makeMoviesRepository } from '@movie-ticketing/catalog/movies/movies.repository';
import type { Movie, NewMovie } from '@movie-ticketing/catalog/movies/movies.schema';
import { makeSeatPlansRepository } from '@movie-ticketing/catalog/seat-plans/seat-plans.repository';
import { makeTheatersRepository } from '@movie-ticketing/catalog/theaters/theaters.repository';
import type { Theater } from '@movie-ticketing/catalog/theaters/theaters.schema';
import type { Queryable } from '@movie-ticketing/kit/database';

import type { Progress } from './progress.ts';
import { plannedRun, planScreenings, runsOf, type PlannedScreening } from './screening-plan.ts';
import type { SeedFiles, SeedTheater } from './seed-files.ts';
import { makeSeedRepository, type NewScreening } from './seed.repository.ts';

export type Catalog = { files: SeedFiles; currency: string; now: Date };

const screeningsPerStatement = 2_000;

const toNewMovies = (
  { files, currency, now }: Catalog,
  plan: readonly PlannedScreening[],
): NewMovie[] => {
  const runs = runsOf(plan);
  return files.movies.map(({ price_minor, ...movie }, position) => ({
    ...movie,
    price: { amount: price_minor, currency },
    // More movies than the theaters have room for: these are loaded too, without screenings.
    ...(runs.get(position) ?? plannedRun(now)),
  }));
};

const insertEach = async <New, Stored>(
  things: string,
  entries: readonly New[],
  insert: (entry: New) => Promise<Stored>,
  progress: Progress,
): Promise<Stored[]> => {
  const stored: Stored[] = [];
  for (const entry of entries) {
    stored.push(await insert(entry));
    progress(things, stored.length, entries.length);
  }
  return stored;
};

const at = <Entry>(entries: readonly Entry[], position: number): Entry => {
  const entry = entries[position];
  if (entry === undefined) throw new Error(`the plan has no entry ${String(position)}`);
  return entry;
};

const toNewScreening = (
  planned: PlannedScreening,
  movies: readonly Movie[],
  theaters: readonly Theater[],
): NewScreening => {
  const movie = at(movies, planned.movie);
  const theater = at(theaters, planned.theater);
  return {
    movieId: movie.id,
    theaterId: theater.id,
    startsAt: planned.startsAt,
    endsAt: planned.endsAt,
    priceMinor: planned.priceMinor,
    currency: movie.price.currency,
    totalSeats: theater.totalSeats,
    seatPlanId: theater.seatPlanId,
  };
};

const insertTheater =
  (tx: Queryable) =>
  async ({ plan, ...fields }: SeedTheater): Promise<Theater> => {
    const theater = await makeTheatersRepository(tx).insert(fields);
    if (plan === undefined) return theater;
    const { id: theaterId, name } = theater;
    const { id: seatPlanId } = await makeSeatPlansRepository(tx).insert({
      ...plan,
      theaterId,
      name,
    });
    await makeSeedRepository(tx).setSeatPlan(theaterId, seatPlanId);
    return { ...theater, seatPlanId };
  };

/**
 * Inserts every movie and theater of the files through the catalog's repositories, and the planned screenings.
 * @returns the numbers of rows, in words
 */
export const loadCatalog = async (
  tx: Queryable,
  catalog: Catalog,
  progress: Progress,
): Promise<string> => {
  const { files, now } = catalog;
  const plan = planScreenings(files.movies, files.theaters, now);
  const newMovies = toNewMovies(catalog, plan);
  const { insert: insertMovie } = makeMoviesRepository(tx);
  const movies = await insertEach('movies', newMovies, insertMovie, progress);
  const theaters = await insertEach('theaters', files.theaters, insertTheater(tx), progress);
  const screenings = plan.map((planned) => toNewScreening(planned, movies, theaters));
  const { insertScreenings } = makeSeedRepository(tx);
  for (let from = 0; from < screenings.length; from += screeningsPerStatement) {
    await insertScreenings(screenings.slice(from, from + screeningsPerStatement));
    progress('screenings', Math.min(from + screeningsPerStatement, plan.length), plan.length);
  }
  const withoutScreening = movies.length - runsOf(plan).size;
  const note = withoutScreening === 0 ? '' : ` (${String(withoutScreening)} without a screening)`;
  return `${String(movies.length)} movies${note}, ${String(theaters.length)} theaters, ${String(plan.length)} screenings`;
};
