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
  /** The plan of new screenings; null: general admission. */
  seatPlanId: number | null;
  /** Whether a choice of seats that leaves a single seat free is refused where it can be avoided. */
  preventOrphanSeats: boolean;
};

/** The fields of a theater that an admin sets. The seed reads its files with them too. */
export const theaterFields = {
  name: text(1, 300),
  location: text(1, 300),
  time_zone: timeZone(),
  total_seats: z.int().min(1).max(100_000),
};

const preventOrphanSeats = () =>
  z
    .boolean()
    .describe('Whether customers may not leave a single seat free where that can be avoided');

export const theater = z
  .strictObject({
    id: id(),
    ...theaterFields,
    seat_plan_id: id().nullable().describe('The plan of new screenings; null: general admission'),
    prevent_orphan_seats: preventOrphanSeats(),
  })
  .meta({ id: 'Theater' });

export const presentTheater = (from: Theater): z.output<typeof theater> => ({
  id: from.id,
  name: from.name,
  location: from.location,
  time_zone: from.timeZone,
  total_seats: from.totalSeats,
  seat_plan_id: from.seatPlanId,
  prevent_orphan_seats: from.preventOrphanSeats,
});

export const newTheater = newResource({
  ...theaterFields,
  prevent_orphan_seats: preventOrphanSeats().default(true),
});

export type NewTheater = z.output<typeof newTheater>;

export const theaterChange = changedResource({
  ...theaterFields,
  seat_plan_id: z.null().describe('Null returns the theater to general admission'),
  prevent_orphan_seats: preventOrphanSeats(),
});

export type TheaterChange = z.output<typeof theaterChange>;

export const theaterQuery = z.strictObject(pageById('theaters'));

export type TheaterQuery = z.output<typeof theaterQuery>;
