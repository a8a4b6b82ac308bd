import { positionsIn } from '@movie-ticketing/kit/seat-bitmap';

import type { FreeSeats } from './free-seats.ts';
import type { LockedScreening } from './seats.repository.ts';

/** Hands out the seats of locked screenings to the requests of one batch, in order. */
export type SeatAllocation = {
  seatsLeft: (screening: LockedScreening) => number;
  /** The seats of a screening with a seat plan that are free, by position. */
  freeSeats: (screening: LockedScreening) => FreeSeats;
  /**
   * Takes seats, or returns false and takes none.
   * @param positions of numbered seats, all of them free
   */
  take: (screening: LockedScreening, seats: number, positions?: readonly number[]) => boolean;
};

const freeSeatsIn = (occupied: string): FreeSeats => {
  const free = new Uint8Array(occupied.length).fill(1);
  for (const seat of positionsIn(occupied)) free[seat] = 0;
  return free;
};

export const makeSeatAllocation = (): SeatAllocation => {
  const left = new Map<number, number>();
  const free = new Map<number, FreeSeats>();
  const seatsLeft = (screening: LockedScreening): number =>
    left.get(screening.id) ?? screening.availableSeats;
  const freeSeats = (screening: LockedScreening): FreeSeats => {
    const found = free.get(screening.id) ?? freeSeatsIn(screening.occupied ?? '');
    free.set(screening.id, found);
    return found;
  };
  return {
    seatsLeft,
    freeSeats,
    take: (screening, seats, positions = []) => {
      const remaining = seatsLeft(screening) - seats;
      if (remaining < 0) return false;
      left.set(screening.id, remaining);
      for (const position of positions) freeSeats(screening)[position] = 0;
      return true;
    },
  };
};
