import {
  id,
  idInText,
  instant,
  instantOut,
  limit,
  money,
  price,
} from '@movie-ticketing/kit/fields';
import { cursorOf } from '@movie-ticketing/kit/pagination';
import { z } from 'zod';

import { atLeastOneField } from '../partial-body.ts';

const status = z.enum(['scheduled', 'cancelled']);

export const screening = z
  .strictObject({
    id: id(),
    movie_id: id(),
    theater_id: id(),
    starts_at: instantOut(),
    ends_at: instantOut(),
    price: money.describe('Of one ticket'),
    total_seats: z.int().min(1).max(100_000),
    available_seats: z.int().min(0).max(100_000).describe('Up to a second old'),
    status,
  })
  .meta({ id: 'Screening' });

export type Screening = z.output<typeof screening>;

export const newScreening = (currency: string | undefined) =>
  z.strictObject({
    movie_id: id(),
    theater_id: id(),
    starts_at: instant(),
    price: price(currency).exactOptional(),
  });

export type NewScreening = z.output<ReturnType<typeof newScreening>>;

export const screeningChange = (currency: string | undefined) =>
  z
    .strictObject({
      starts_at: instant().exactOptional(),
      price: price(currency).exactOptional(),
      status: status.exactOptional(),
    })
    .refine(...atLeastOneField);

export type ScreeningChange = z.output<ReturnType<typeof screeningChange>>;

/** Postgres keeps microseconds: a cursor cut to milliseconds would give a row twice, or for ever. */
const startKey = z.iso
  .datetime({ precision: 6 })
  .refine((value) => value >= '1970' && value < '9999', 'must lie between 1970 and 9998');

export const screeningQuery = z
  .strictObject({
    limit: limit(),
    cursor: cursorOf('screenings', z.tuple([startKey, z.int().min(0)])).exactOptional(),
    movie_id: idInText().exactOptional(),
    theater_id: idInText().exactOptional(),
    from: instant().exactOptional().describe('Starts then or later'),
    to: instant().exactOptional().describe('Starts before then'),
    status: status.exactOptional(),
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from <= to, {
    path: ['from'],
    message: 'must not lie after to',
  });

export type ScreeningQuery = z.output<typeof screeningQuery>;
