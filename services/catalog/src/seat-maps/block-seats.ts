import { bitsOf, positionsIn } from '@movie-ticketing/kit/seat-bitmap';
import type { SeatPlanContent } from '@movie-ticketing/kit/seat-plan';
import { invalid, Problem } from '@movie-ticketing/kit/problems';

import type { SeatMapChange } from './seat-maps.schema.ts';

/** The positions of seats in their plan. @throws Problem invalid_request for an unknown id */
const positionsOf = (
  { seats }: SeatPlanContent,
  ids: readonly string[],
  field: 'block' | 'unblock',
): number[] => {
  const positions = new Map(seats.map(({ id }, position) => [id, position]));
  return ids.map((id, index) => {
    const position = positions.get(id);
    if (position === undefined) {
      throw invalid(`${field}.${String(index)}`, `the seat plan has no seat ${id}`);
    }
    return position;
  });
};

/**
 * The blocked seats after a change. A seat in both lists is unblocked and then blocked.
 * @param taken and blocked: the bits of the seat map
 * @throws Problem seats_taken for a seat to block that is held or sold
 */
export const blockSeats = (
  plan: SeatPlanContent,
  { taken, blocked }: { taken: string; blocked: string },
  { block, unblock }: SeatMapChange,
): string => {
  const toBlock = positionsOf(plan, block, 'block');
  const freed = new Set(positionsOf(plan, unblock, 'unblock'));
  const seats = [...new Set(toBlock.filter((position) => taken[position] === '1'))].map(
    (position) => plan.seats[position]?.id ?? '',
  );
  if (seats.length > 0) {
    throw new Problem('seats_taken', {
      detail: `Only free seats can be blocked. Taken: ${seats.join(', ')}.`,
      seats,
    });
  }
  const kept = positionsIn(blocked).filter((position) => !freed.has(position));
  return bitsOf(blocked.length, [...kept, ...toBlock]);
};
