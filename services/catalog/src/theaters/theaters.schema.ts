import { id, text } from '@movie-ticketing/kit/fields';
import { pageById } from '@movie-ticketing/kit/pagination';
import { z } from 'zod';

import { atLeastOneField } from '../partial-body.ts';

/** A name of the IANA database; Intl would also take an offset like +01:00, which knows no summer. */
const isTimeZone = (value: string): boolean => {
  if (!/^[A-Za-z]/.test(value)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: value });
    return true;
  } catch {
    return false;
  }
};

const totalSeats = z.int().min(1).max(100_000);

export const theater = z
  .strictObject({
    id: id(),
    name: z.string(),
    location: z.string(),
    time_zone: z.string().meta({ examples: ['Europe/London'] }),
    total_seats: totalSeats,
  })
  .meta({ id: 'Theater' });

export type Theater = z.output<typeof theater>;

const fields = {
  name: text(1, 300),
  location: text(1, 300),
  time_zone: text(1, 64)
    .refine(isTimeZone, 'must be an IANA time zone like Europe/London')
    .meta({ examples: ['Europe/London'] }),
  total_seats: totalSeats,
};

export const newTheater = z.strictObject(fields);

export type NewTheater = z.output<typeof newTheater>;

export const theaterChange = z
  .strictObject({
    name: fields.name.exactOptional(),
    location: fields.location.exactOptional(),
    time_zone: fields.time_zone.exactOptional(),
    total_seats: fields.total_seats.exactOptional(),
  })
  .refine(...atLeastOneField);

export type TheaterChange = z.output<typeof theaterChange>;

export const theaterQuery = z.strictObject(pageById('theaters'));

export type TheaterQuery = z.output<typeof theaterQuery>;
