import type { LockedScreening } from './seats.repository.ts';

/** Hands out the seats of locked screenings to the requests of one batch, in order. */
export type SeatAllocation = {
  seatsLeft: (screening: LockedScreening) => number;
  /** Takes the seats, or returns false and takes none. */
  take: (screening: LockedScreening, seats: number) => boolean;
};

export const makeSeatAllocation = (): SeatAllocation => {
  const left = new Map<number, number>();
  const seatsLeft = (screening: LockedScreening): number =>
    left.get(screening.id) ?? screening.availableSeats;
  return {
    seatsLeft,
    take: (screening, seats) => {
      const remaining = seatsLeft(screening) - seats;
      if (remaining < 0) return false;
      left.set(screening.id, remaining);
      return true;
    },
  };
};
