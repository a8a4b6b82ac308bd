import { id, text, timeZone } from '@movie-ticketing/kit/fields';
import { pageById } from '@movie-ticketing/kit/pagination';
import { z } from 'zod';

import { changedResource, newResource } from '../request-bodies.ts';

export type Theater = {
  id: number;
  name: string;
  location: string;
  timeZone: string;
  totalSeats: number;
};

/** The fields of a theater that an admin sets. The seed reads its files with them too. */
export const theaterFields = {
  name: text(1, 300),
  location: text(1, 300),
  time_zone: timeZone(),
  total_seats: z.int().min(1).max(100_000),
};

export const theater = z.strictObject({ id: id(), ...theaterFields }).meta({ id: 'Theater' });

export const presentTheater = (from: Theater): z.output<typeof theater> => ({
  id: from.id,
  name: from.name,
  location: from.location,
  time_zone: from.timeZone,
  total_seats: from.totalSeats,
});

export const newTheater = newResource(theaterFields);

export type NewTheater = z.output<typeof newTheater>;

export const theaterChange = changedResource(theaterFields);

export type TheaterChange = z.output<typeof theaterChange>;

export const theaterQuery = z.strictObject(pageById('theaters'));

export type TheaterQuery = z.output<typeof theaterQuery>;
