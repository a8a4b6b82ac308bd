import { id, text } from '@movie-ticketing/kit/fields';
import { toBase64 } from '@movie-ticketing/kit/seat-bitmap';
import { z } from 'zod';

/** Which seats of a screening are not free, as PostgreSQL's text of bits; null for general admission. */
export type SeatMap = {
  seatPlanId: number | null;
  version: number;
  taken: string | null;
  blocked: string | null;
};

const bits = () =>
  z
    .string()
    .regex(/^[A-Za-z0-9+/]*={0,2}$/)
    .meta({ contentEncoding: 'base64' })
    .describe(
      'A bit for each seat in the order of the seat plan: bit i mod 8, counted from the least significant one, of byte i / 8. Empty for general admission.',
    );

export const seatMap = z
  .strictObject({
    seat_plan_id: id().nullable(),
    version: z.int().min(0).describe('Grows with every change'),
    taken: bits(),
    blocked: bits(),
  })
  .meta({ id: 'SeatMap' });

export const presentSeatMap = (from: SeatMap): z.output<typeof seatMap> => ({
  seat_plan_id: from.seatPlanId,
  version: from.version,
  taken: toBase64(from.taken),
  blocked: toBase64(from.blocked),
});

const seatIds = () => z.array(text(1, 50)).max(5_000);

export const seatMapChange = z
  .strictObject({
    block: seatIds().exactOptional().describe('Seats that nobody can book. They must be free.'),
    unblock: seatIds().exactOptional().describe('Seats that can be booked again'),
  })
  .check(({ value, issues }) => {
    if (value.block !== undefined || value.unblock !== undefined || issues.length > 0) return;
    issues.push({
      code: 'custom',
      message: 'must have at least one field to change',
      input: value,
    });
  });

export type SeatMapChange = { block: readonly string[]; unblock: readonly string[] };
