import { invalid, Problem } from '@movie-ticketing/kit/problems';
import { bitsOf, positionsIn } from '@movie-ticketing/kit/seat-bitmap';

import type { Movie } from '../movies/movies.schema.ts';
import { requireWithinRun } from '../movies/run.ts';
import { chooseCard, type AppliesTo } from '../prices/business-day.ts';
import type { Theater } from '../theaters/theaters.schema.ts';
import type { FittedSeats } from './fit-seat-plan.ts';
import type { ScreeningUpdate } from './screenings.repository.ts';
import type { NewScreening, Screening, ScreeningChange } from './screenings.schema.ts';

/** What a screening refers to, locked, and the clock of the database after those locks. */
export type Context = {
  movie: ShownMovie;
  theater: Theater;
  now: Date;
  /** Of a change from one seat plan to another: the seat map in the new plan. */
  fitted?: FittedSeats | undefined;
};

/** Price cards that choose their screenings, in the order in which they are asked. */
export type ChoosingCard = { id: number; appliesTo: AppliesTo | null };

type ShownMovie = Pick<Movie, 'id' | 'durationMinutes' | 'price' | 'startDate' | 'endDate'>;

const minuteMs = 60_000;

const endOf = (startsAt: Date, { durationMinutes }: ShownMovie): Date =>
  new Date(startsAt.getTime() + durationMinutes * minuteMs);

const requireFuture = (startsAt: Date, now: Date): void => {
  if (startsAt <= now) throw invalid('starts_at', 'must be in the future');
};

/**
 * A new screening has the movie's duration, the theater's seats, and the movie's price unless it has its own.
 * Without a price and a price card of its own it gets the first card that applies.
 * @throws Problem invalid_request, outside_run
 */
export const newScreeningOf = (
  { movie, theater, now }: Context,
  { starts_at: startsAt, price, price_card_id: cardId }: NewScreening,
  cards: readonly ChoosingCard[],
): Omit<Screening, 'id'> & ScreeningUpdate => {
  requireFuture(startsAt, now);
  requireWithinRun(movie, startsAt, theater.timeZone);
  const chosen =
    price === undefined && cardId === undefined
      ? chooseCard(cards, startsAt, theater.timeZone)?.id
      : cardId;
  return {
    movieId: movie.id,
    theaterId: theater.id,
    startsAt,
    endsAt: endOf(startsAt, movie),
    price: price ?? movie.price,
    totalSeats: theater.totalSeats,
    availableSeats: theater.totalSeats,
    status: 'scheduled',
    priceCardId: chosen ?? null,
    blockedSeats: 0,
    seatPlanId: theater.seatPlanId,
    seatMap: emptySeatMap(theater.seatPlanId, theater.totalSeats),
  };
};

const emptySeatMap = (planId: number | null, seats: number): ScreeningUpdate['seatMap'] =>
  planId === null
    ? { taken: null, blocked: null }
    : { taken: bitsOf(seats, []), blocked: bitsOf(seats, []) };

/** The seat plan that a screening has after a change: another theater brings its own. */
export const planAfter = (
  screening: Screening,
  theater: Theater,
  { theater_id: theaterId, seat_plan_id: planId }: ScreeningChange,
): number | null => {
  if (planId === undefined) {
    const isElsewhere = theaterId !== undefined && theaterId !== screening.theaterId;
    return isElsewhere ? theater.seatPlanId : screening.seatPlanId;
  }
  if (planId !== null && planId !== theater.seatPlanId && planId !== screening.seatPlanId) {
    throw invalid('seat_plan_id', 'must be the present seat plan of the theater');
  }
  return planId;
};

/** The seats that a screening has after a change. @throws Problem invalid_request */
const seatsAfter = (screening: Screening, theater: Theater, change: ScreeningChange): number => {
  const planId = planAfter(screening, theater, change);
  const isElsewhere = change.theater_id !== undefined && change.theater_id !== screening.theaterId;
  const isNewPlan = planId !== screening.seatPlanId;
  if (planId === null) {
    return change.total_seats ?? (isElsewhere ? theater.totalSeats : screening.totalSeats);
  }
  const seats = isNewPlan ? theater.totalSeats : screening.totalSeats;
  if (change.total_seats !== undefined && change.total_seats !== seats) {
    throw invalid('total_seats', 'follows the seat plan of the screening');
  }
  return seats;
};

/** The fields of a change that differ from the screening. A flat price takes the place of a price card. */
const differences = (
  screening: Screening,
  theater: Theater,
  change: ScreeningChange,
): Partial<Screening> => {
  const { theater_id: theaterId, starts_at: startsAt, price, status } = change;
  const cardId = change.price_card_id ?? (price === undefined ? change.price_card_id : null);
  const seatPlanId = planAfter(screening, theater, change);
  const totalSeats = seatsAfter(screening, theater, change);
  const isMoved = startsAt !== undefined && startsAt.getTime() !== screening.startsAt.getTime();
  const isRepriced =
    price !== undefined &&
    (price.amount !== screening.price.amount || price.currency !== screening.price.currency);
  return {
    ...(theaterId !== undefined && theaterId !== screening.theaterId ? { theaterId } : {}),
    ...(isMoved ? { startsAt } : {}),
    ...(isRepriced ? { price } : {}),
    ...(cardId !== undefined && cardId !== screening.priceCardId ? { priceCardId: cardId } : {}),
    ...(totalSeats === screening.totalSeats ? {} : { totalSeats }),
    ...(seatPlanId === screening.seatPlanId ? {} : { seatPlanId }),
    ...(status !== undefined && status !== screening.status ? { status } : {}),
  };
};

/**
 * Invariant 1: seats are missing from `availableSeats` if and only if live bookings hold them, or they are
 * blocked. With the row locked that is exact, so the tables of the bookings service need not be read.
 */
const bookedSeatsOf = ({ totalSeats, availableSeats, blockedSeats }: Screening): number =>
  totalSeats - availableSeats - blockedSeats;

const hasLiveBookings = (detail: string, seats?: string[]): Problem =>
  new Problem('has_live_bookings', { detail, ...(seats === undefined ? {} : { seats }) });

const requireFitsBookings = (
  screening: Screening,
  changes: Partial<Screening>,
  fitted: FittedSeats | undefined,
): void => {
  const booked = bookedSeatsOf(screening);
  if (booked === 0) return;
  const { startsAt, price, priceCardId, totalSeats, seatPlanId } = changes;
  if (startsAt !== undefined || price !== undefined || priceCardId !== undefined) {
    throw hasLiveBookings('The time and the price cannot change while seats are held or sold.');
  }
  if (totalSeats !== undefined && totalSeats < booked) {
    throw hasLiveBookings(
      `${String(booked)} seats are booked, and only ${String(totalSeats)} would exist.`,
    );
  }
  if (seatPlanId === undefined) return;
  if (fitted === undefined) {
    throw hasLiveBookings(
      'A screening cannot change between numbered seats and general admission while seats are held or sold.',
    );
  }
  if ('missing' in fitted) {
    throw hasLiveBookings(
      `Seats that are held or sold are not at the same place of the new seat plan: ${fitted.missing.slice(0, 20).join(', ')}.`,
      fitted.missing,
    );
  }
};

/** What follows from a change of the seats: the seat map, and how many seats are available. */
const seatFields = (
  screening: Screening,
  changes: Partial<Screening>,
  fitted: FittedSeats | undefined,
): ScreeningUpdate => {
  const { totalSeats = screening.totalSeats, seatPlanId } = changes;
  const booked = bookedSeatsOf(screening);
  if (seatPlanId === undefined) {
    return changes.totalSeats === undefined ? {} : { availableSeats: totalSeats - booked };
  }
  const seatMap =
    fitted === undefined || 'missing' in fitted ? emptySeatMap(seatPlanId, totalSeats) : fitted;
  const blocked = positionsIn(seatMap?.blocked ?? '').length;
  return { seatMap, availableSeats: totalSeats - booked - blocked };
};

/**
 * The columns that a PATCH changes: none where it repeats what the screening already is.
 * @param context the movie, and the theater where the screening is to take place
 * @throws Problem screening_cancelled, screening_started, has_live_bookings, invalid_request, outside_run
 */
export const changesOf = (
  screening: Screening,
  { movie, theater, now, fitted }: Context,
  change: ScreeningChange,
): ScreeningUpdate => {
  const changes = differences(screening, theater, change);
  if (Object.keys(changes).length === 0) return changes;
  if (screening.status === 'cancelled') {
    throw new Problem('screening_cancelled', {
      detail: 'A cancelled screening cannot be changed.',
    });
  }
  if (screening.startsAt <= now) throw new Problem('screening_started');
  requireFitsBookings(screening, changes, fitted);
  const { startsAt, theaterId } = changes;
  if (startsAt !== undefined) requireFuture(startsAt, now);
  if (startsAt !== undefined || theaterId !== undefined) {
    requireWithinRun(movie, startsAt ?? screening.startsAt, theater.timeZone);
  }
  return {
    ...changes,
    ...(startsAt === undefined ? {} : { endsAt: endOf(startsAt, movie) }),
    ...seatFields(screening, changes, fitted),
  };
};
