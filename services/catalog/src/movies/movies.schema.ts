import {
  day,
  id,
  money,
  multilineText,
  price,
  text,
  type Money,
} from '@movie-ticketing/kit/fields';
import { pageById } from '@movie-ticketing/kit/pagination';
import { z } from 'zod';

import { changedResource, newResource } from '../request-bodies.ts';

export type Movie = {
  id: number;
  title: string;
  description: string;
  durationMinutes: number;
  price: Money;
  /** Calendar days of the theater: `YYYY-MM-DD`. */
  startDate: string;
  endDate: string;
};

/** The fields of a movie that an admin sets. The seed reads its files with them too. */
export const movieFields = (currency: string | undefined) => ({
  title: text(1, 300),
  description: multilineText(5_000),
  duration_minutes: z.int().min(1).max(1_440),
  price: price(currency),
  start_date: day().describe('The first day of its run'),
  end_date: day().describe('The last day of its run'),
});

export const movie = z
  .strictObject({ id: id(), ...movieFields(undefined), price: money })
  .meta({ id: 'Movie' });

export const presentMovie = (from: Movie): z.output<typeof movie> => ({
  id: from.id,
  title: from.title,
  description: from.description,
  duration_minutes: from.durationMinutes,
  price: from.price,
  start_date: from.startDate,
  end_date: from.endDate,
});

export const newMovie = (currency: string | undefined) => {
  const fields = movieFields(currency);
  return newResource({ ...fields, description: fields.description.default('') }).refine(
    ({ start_date, end_date }) => start_date <= end_date,
    { path: ['end_date'], message: 'must not be before start_date' },
  );
};

export type NewMovie = z.output<ReturnType<typeof newMovie>>;

export const movieChange = (currency: string | undefined) => changedResource(movieFields(currency));

export type MovieChange = z.output<ReturnType<typeof movieChange>>;

export const movieQuery = z.strictObject({
  ...pageById('movies'),
  q: text(0, 300).exactOptional().describe('Part of the title, without case and accents'),
  showing_on: day().exactOptional().describe('A day of the run'),
});

export type MovieQuery = z.output<typeof movieQuery>;
