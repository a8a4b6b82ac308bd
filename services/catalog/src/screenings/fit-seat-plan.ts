import { bitsOf, positionsIn } from '@movie-ticketing/kit/seat-bitmap';
import type { SeatPlanContent } from '@movie-ticketing/kit/seat-plan';

/** The bits of a seat map. */
export type SeatBits = { taken: string; blocked: string };

/** Positions of a screening's seats that a new plan lacks, or the seat map in the new plan. */
export type FittedSeats = { missing: string[] } | SeatBits;

/**
 * The seat map of a screening that gets another plan. Tickets name a seat by its position and its id, so a taken
 * seat must be at its position in the new plan too, with the same id and kind. Blocked seats are found by id; those that
 * the new plan lacks are left out.
 */
export const fitSeatPlan = (
  { taken, blocked }: SeatBits,
  from: SeatPlanContent,
  to: SeatPlanContent,
): FittedSeats => {
  const sold = positionsIn(taken);
  const missing = sold.flatMap((position) => {
    const before = from.seats[position];
    const after = to.seats[position];
    const isSame = before?.id === after?.id && before?.kind === after?.kind;
    return isSame ? [] : [before?.id ?? String(position)];
  });
  if (missing.length > 0) return { missing };
  const positions = new Map(to.seats.map(({ id }, position) => [id, position]));
  const isSold = new Set(sold);
  const kept = positionsIn(blocked).flatMap((position) => {
    const found = positions.get(from.seats[position]?.id ?? '');
    return found === undefined || isSold.has(found) ? [] : [found];
  });
  return { taken: bitsOf(to.seats.length, sold), blocked: bitsOf(to.seats.length, kept) };
};
