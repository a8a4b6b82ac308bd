import { invalid, Problem } from '@movie-ticketing/kit/problems';

import type { Movie } from '../movies/movies.schema.ts';
import { requireWithinRun } from '../movies/run.ts';
import type { Theater } from '../theaters/theaters.schema.ts';
import type { NewScreening, Screening, ScreeningChange } from './screenings.schema.ts';

/** What a screening refers to, locked, and the clock of the database after those locks. */
export type Context = { movie: ShownMovie; theater: Theater; now: Date };

type ShownMovie = Pick<Movie, 'id' | 'durationMinutes' | 'price' | 'startDate' | 'endDate'>;

const minuteMs = 60_000;

const endOf = (startsAt: Date, { durationMinutes }: ShownMovie): Date =>
  new Date(startsAt.getTime() + durationMinutes * minuteMs);

const requireFuture = (startsAt: Date, now: Date): void => {
  if (startsAt <= now) throw invalid('starts_at', 'must be in the future');
};

/**
 * A new screening has the movie's duration, the theater's seats, and the movie's price unless it has its own.
 * @throws Problem invalid_request, outside_run
 */
export const newScreeningOf = (
  { movie, theater, now }: Context,
  { starts_at: startsAt, price }: NewScreening,
): Omit<Screening, 'id'> => {
  requireFuture(startsAt, now);
  requireWithinRun(movie, startsAt, theater.timeZone);
  return {
    movieId: movie.id,
    theaterId: theater.id,
    startsAt,
    endsAt: endOf(startsAt, movie),
    price: price ?? movie.price,
    totalSeats: theater.totalSeats,
    availableSeats: theater.totalSeats,
    status: 'scheduled',
  };
};

/** The fields of a change that differ from the screening. A new theater brings its number of seats. */
const differences = (
  screening: Screening,
  theater: Theater,
  {
    theater_id: theaterId,
    starts_at: startsAt,
    price,
    total_seats: seats,
    status,
  }: ScreeningChange,
): Partial<Screening> => {
  const isElsewhere = theaterId !== undefined && theaterId !== screening.theaterId;
  const totalSeats = seats ?? (isElsewhere ? theater.totalSeats : screening.totalSeats);
  const isMoved = startsAt !== undefined && startsAt.getTime() !== screening.startsAt.getTime();
  const isRepriced =
    price !== undefined &&
    (price.amount !== screening.price.amount || price.currency !== screening.price.currency);
  return {
    ...(isElsewhere ? { theaterId } : {}),
    ...(isMoved ? { startsAt } : {}),
    ...(isRepriced ? { price } : {}),
    ...(totalSeats === screening.totalSeats ? {} : { totalSeats }),
    ...(status !== undefined && status !== screening.status ? { status } : {}),
  };
};

/**
 * Invariant 1: seats are missing from `availableSeats` if and only if live bookings hold them. With the
 * row locked that is exact, so the tables of the bookings service need not be read.
 */
const bookedSeatsOf = ({ totalSeats, availableSeats }: Screening): number =>
  totalSeats - availableSeats;

const requireFitsBookings = (changes: Partial<Screening>, booked: number): void => {
  if (booked === 0) return;
  if (changes.startsAt !== undefined || changes.price !== undefined) {
    throw new Problem('has_live_bookings', {
      detail: 'The time and the price cannot change while seats are held or sold.',
    });
  }
  if (changes.totalSeats !== undefined && changes.totalSeats < booked) {
    throw new Problem('has_live_bookings', {
      detail: `${String(booked)} seats are booked, and only ${String(changes.totalSeats)} would exist.`,
    });
  }
};

/**
 * The columns that a PATCH changes: none where it repeats what the screening already is.
 * @param context the movie, and the theater where the screening is to take place
 * @throws Problem screening_cancelled, screening_started, has_live_bookings, invalid_request, outside_run
 */
export const changesOf = (
  screening: Screening,
  { movie, theater, now }: Context,
  change: ScreeningChange,
): Partial<Screening> => {
  const changes = differences(screening, theater, change);
  if (Object.keys(changes).length === 0) return changes;
  if (screening.status === 'cancelled') {
    throw new Problem('screening_cancelled', {
      detail: 'A cancelled screening cannot be changed.',
    });
  }
  if (screening.startsAt <= now) throw new Problem('screening_started');
  const booked = bookedSeatsOf(screening);
  requireFitsBookings(changes, booked);
  const { startsAt, theaterId, totalSeats } = changes;
  if (startsAt !== undefined) requireFuture(startsAt, now);
  if (startsAt !== undefined || theaterId !== undefined) {
    requireWithinRun(movie, startsAt ?? screening.startsAt, theater.timeZone);
  }
  return {
    ...changes,
    ...(startsAt === undefined ? {} : { endsAt: endOf(startsAt, movie) }),
    ...(totalSeats === undefined ? {} : { availableSeats: totalSeats - booked }),
  };
};
