import { day, id, money, price, text } from '@movie-ticketing/kit/fields';
import { pageById } from '@movie-ticketing/kit/pagination';
import { z } from 'zod';

import { atLeastOneField } from '../partial-body.ts';

export const movie = z
  .strictObject({
    id: id(),
    title: z.string(),
    description: z.string(),
    duration_minutes: z.int().min(1),
    price: money,
    start_date: day().describe('The first day it runs'),
    end_date: day().describe('The last day it runs'),
  })
  .meta({ id: 'Movie' });

export type Movie = z.output<typeof movie>;

const fields = (currency: string | undefined) => ({
  title: text(1, 300),
  description: text(0, 5_000),
  duration_minutes: z.int().min(1).max(1_440),
  price: price(currency),
  start_date: day(),
  end_date: day(),
});

export const newMovie = (currency: string | undefined) => {
  const { description, ...others } = fields(currency);
  return z
    .strictObject({ ...others, description: description.default('') })
    .refine(({ start_date, end_date }) => end_date >= start_date, {
      path: ['end_date'],
      message: 'must not lie before start_date',
    });
};

export type NewMovie = z.output<ReturnType<typeof newMovie>>;

export const movieChange = (currency: string | undefined) => {
  const { title, description, duration_minutes, price, start_date, end_date } = fields(currency);
  return z
    .strictObject({
      title: title.exactOptional(),
      description: description.exactOptional(),
      duration_minutes: duration_minutes.exactOptional(),
      price: price.exactOptional(),
      start_date: start_date.exactOptional(),
      end_date: end_date.exactOptional(),
    })
    .refine(...atLeastOneField);
};

export type MovieChange = z.output<ReturnType<typeof movieChange>>;

export const movieQuery = z.strictObject({
  ...pageById('movies'),
  q: text(0, 300).exactOptional().describe('Text in the title, whatever its case'),
  showing_on: day().exactOptional().describe('A day from start_date to end_date'),
});

export type MovieQuery = z.output<typeof movieQuery>;
