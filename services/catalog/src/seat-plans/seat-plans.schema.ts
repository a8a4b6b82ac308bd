import { id, text } from '@movie-ticketing/kit/fields';
import { seat, seatCategory, type SeatPlanContent } from '@movie-ticketing/kit/seat-plan';
import { z } from 'zod';

/** A version of a theater's seats. It never changes. */
export type SeatPlan = SeatPlanContent & { id: number; theaterId: number; name: string };

export const seatPlan = z
  .strictObject({
    id: id(),
    theater_id: id(),
    name: text(1, 300),
    categories: z.array(seatCategory.meta({ id: 'SeatCategory' })),
    seats: z.array(seat.meta({ id: 'Seat' })).describe('In the order of the bits of a seat map'),
  })
  .meta({ id: 'SeatPlan' });

export const presentSeatPlan = (from: SeatPlan): z.output<typeof seatPlan> => ({
  id: from.id,
  theater_id: from.theaterId,
  name: from.name,
  categories: from.categories,
  seats: from.seats,
});

/** What a seat plan is read from: `readSeatPlan` checks it, with the place of every fault in the file. */
export const seatPlanFile = z
  .strictObject({
    name: z.unknown().optional(),
    categories: z.unknown().optional(),
    seats: z.unknown().optional(),
    zones: z.unknown().optional().describe('Of pretix'),
    size: z.unknown().optional().describe('Of pretix, not used'),
  })
  .describe(
    'Our own format (`name`, `categories` and `seats` as GET /seat-plans/{id} returns them; `id`, `kind`, `x` and `y` of a seat may be left out), or a seating plan in the JSON format of pretix.',
  );

export const seatPlanQuery = z.strictObject({
  name: text(1, 300).exactOptional().describe('Default: the name in the file, or of the theater'),
  wheelchair_category: text(1, 100)
    .exactOptional()
    .describe('The category of a pretix plan whose seats are wheelchair spaces'),
  companion_category: text(1, 100)
    .exactOptional()
    .describe('The category of a pretix plan whose seats are companion seats'),
});
