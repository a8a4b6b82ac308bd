import {
  id,
  idInText,
  instant,
  instantOut,
  limit,
  money,
  price,
  type Money,
} from '@movie-ticketing/kit/fields';
import { cursorOf } from '@movie-ticketing/kit/pagination';
import { z } from 'zod';

import { changedResource, newResource } from '../request-bodies.ts';

const screeningStatus = z.enum(['scheduled', 'cancelled']);

export type Screening = {
  id: number;
  movieId: number;
  theaterId: number;
  startsAt: Date;
  endsAt: Date;
  /** The price of one ticket. */
  price: Money;
  /** Null: the flat price for everyone. */
  priceCardId: number | null;
  totalSeats: number;
  availableSeats: number;
  /** Seats that nobody can book. */
  blockedSeats: number;
  /** Null: general admission. */
  seatPlanId: number | null;
  status: z.output<typeof screeningStatus>;
};

const totalSeats = () => z.int().min(1).max(100_000);

export const screening = z
  .strictObject({
    id: id(),
    movie_id: id(),
    theater_id: id(),
    starts_at: instantOut(),
    ends_at: instantOut(),
    price: money.describe('The price of one ticket, where price_card_id is null'),
    total_seats: totalSeats(),
    available_seats: z.int().min(0).max(100_000).describe('At most one second old'),
    status: screeningStatus,
    seat_plan_id: id().nullable().describe('Null: general admission'),
    price_card_id: id().nullable().describe('Null: the flat price for everyone'),
  })
  .meta({ id: 'Screening' });

export const presentScreening = (from: Screening): z.output<typeof screening> => ({
  id: from.id,
  movie_id: from.movieId,
  theater_id: from.theaterId,
  starts_at: from.startsAt.toISOString(),
  ends_at: from.endsAt.toISOString(),
  price: from.price,
  total_seats: from.totalSeats,
  available_seats: from.availableSeats,
  status: from.status,
  seat_plan_id: from.seatPlanId,
  price_card_id: from.priceCardId,
});

export const newScreening = (currency: string | undefined) =>
  newResource({
    movie_id: id(),
    theater_id: id(),
    starts_at: instant(),
    price: price(currency).exactOptional(),
    price_card_id: id()
      .nullable()
      .exactOptional()
      .describe('Default: the first price card that applies, unless there is a price'),
  }).check(refuseTwoPrices);

type Priced = { price?: Money; price_card_id?: number | null };

/** A flat price excludes a price card. */
const refuseTwoPrices: z.core.CheckFn<Priced> = ({ value, issues }) => {
  if (value.price === undefined || typeof value.price_card_id !== 'number') return;
  issues.push({
    code: 'custom',
    path: ['price_card_id'],
    message: 'cannot be set together with price',
    input: value,
  });
};

export type NewScreening = z.output<ReturnType<typeof newScreening>>;

export const screeningChange = (currency: string | undefined) =>
  changedResource({
    theater_id: id(),
    starts_at: instant(),
    price: price(currency),
    price_card_id: id().nullable().describe('Null: the flat price for everyone'),
    total_seats: totalSeats(),
    seat_plan_id: id()
      .nullable()
      .describe("The theater's seat plan in its present version; null: general admission"),
    status: screeningStatus,
  }).check(refuseTwoPrices);

export type ScreeningChange = z.output<ReturnType<typeof screeningChange>>;

/** PostgreSQL keeps microseconds: a cursor cut to milliseconds would repeat a row, or never end. */
const startKey = z.iso
  .datetime({ precision: 6 })
  .refine((value) => value >= '1970' && value < '9999', 'must lie between 1970 and 9998');

export const screeningQuery = z
  .strictObject({
    limit: limit(),
    cursor: cursorOf('screenings', z.tuple([startKey, z.int().min(0)])).exactOptional(),
    movie_id: idInText().exactOptional(),
    theater_id: idInText().exactOptional(),
    from: instant().exactOptional().describe('Starts at or after this time'),
    to: instant().exactOptional().describe('Starts before this time'),
    status: screeningStatus.exactOptional(),
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from <= to, {
    path: ['from'],
    message: 'must not be after to',
  });

export type ScreeningQuery = z.output<typeof screeningQuery>;
