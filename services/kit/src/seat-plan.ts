import { z } from 'zod';

import { text } from './fields.ts';

/** The most seats of a seat plan: the bitmaps of a screening stay small enough to be read with its row. */
export const maximumSeats = 5_000;

export const seatKinds = ['standard', 'wheelchair', 'companion'] as const;

/** A category of seats, for prices. */
export const seatCategory = z.strictObject({
  name: text(1, 100),
  color: z
    .string()
    .regex(/^#[0-9a-f]{6}$/i, 'must be a color like #3366cc')
    .meta({ examples: ['#3366cc'] }),
});

export type SeatCategory = z.output<typeof seatCategory>;

export const seat = z.strictObject({
  id: text(1, 50)
    .describe('Unique in the plan, for instance A-12')
    .meta({ examples: ['A-12'] }),
  zone: text(1, 100).exactOptional().describe('A part of the theater, for instance the balcony'),
  row: text(1, 50),
  number: text(1, 50).describe('The number on the seat'),
  category: text(1, 100),
  kind: z.enum(seatKinds),
  group: text(1, 50)
    .exactOptional()
    .describe('Seats of one group, for instance a couple seat, are booked together'),
  companion_of: text(1, 50)
    .exactOptional()
    .describe('The wheelchair space that a companion seat belongs to'),
  x: z.number().min(-100_000).max(100_000).describe('From left to right, facing the screen'),
  y: z.number().min(-100_000).max(100_000).describe('From the screen to the back'),
});

export type Seat = z.output<typeof seat>;

/** What a seat plan consists of. The order of its seats is the order of the bits of a seat map. */
export type SeatPlanContent = { categories: SeatCategory[]; seats: Seat[] };
