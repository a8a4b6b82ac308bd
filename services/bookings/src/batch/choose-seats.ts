import { findAccessible } from '../seats/accessible-seats.ts';
import { findBestAvailable } from '../seats/best-available.ts';
import { canAvoidOrphans, orphansOf, type FreeSeats } from '../seats/free-seats.ts';
import type { SeatLayout } from '../seats/seat-layout.ts';
import {
  refused,
  refusedField,
  type BestAvailableWish,
  type BookingRequest,
  type Refusal,
} from './booking-request.ts';

/** `num_tickets` alone. */
const anySeats: BestAvailableWish = {
  category: undefined,
  accessible: false,
  together: 'preferred',
  acrossCategories: true,
};

/** The seats of a screening as a request finds them. */
type SeatState = { layout: SeatLayout; free: FreeSeats; preventOrphans: boolean };

/** The positions of a request's seats in the order of its tickets, or why it cannot have them. */
export const chooseSeats = (
  state: SeatState,
  request: BookingRequest,
): readonly number[] | Refusal => {
  const { numTickets, wish } = request;
  const named = wish?.tickets.filter(({ seat }) => seat !== undefined).length ?? 0;
  if (named === 0) return chooseBest(state, numTickets, wish?.bestAvailable ?? anySeats);
  if (named < numTickets) {
    return refusedField('tickets', 'must all have a seat, or none of them');
  }
  return takeNamed(state, wish?.tickets.map(({ seat }) => seat ?? '') ?? [], request.byStaff);
};

const chooseBest = (
  { layout, free }: SeatState,
  count: number,
  { category, accessible, together, acrossCategories }: BestAvailableWish,
): readonly number[] | Refusal => {
  const index = category === undefined ? undefined : layout.categories.indexOf(category);
  if (index === -1) {
    return refusedField('best_available.category', 'is not a category of the seat plan');
  }
  const wish = { count, category: index, together, acrossCategories };
  if (accessible) {
    return (
      findAccessible(layout, free, wish) ??
      refused('not_enough_seats', 'No wheelchair space with enough seats near it is free.')
    );
  }
  const found = findBestAvailable(layout, free, wish)?.seats;
  if (found !== undefined) return found;
  if (together === 'required') {
    return refused('no_adjacent_seats', `No ${String(count)} seats side by side are free.`);
  }
  return refused('not_enough_seats', `Not enough seats: ${String(count)} requested.`);
};

/** Seats that the customer chose, all or none. */
const takeNamed = (
  state: SeatState,
  ids: readonly string[],
  byStaff: boolean,
): readonly number[] | Refusal => {
  const { layout, free } = state;
  const seats: number[] = [];
  for (const [index, id] of ids.entries()) {
    const seat = layout.positions.get(id);
    const field = `tickets.${String(index)}.seat`;
    if (seat === undefined) return refusedField(field, 'is not a seat of the seat plan');
    if (seats.includes(seat)) return refusedField(field, 'repeats a seat');
    seats.push(seat);
  }
  const taken = seats.filter((seat) => free[seat] !== 1);
  if (taken.length > 0) return refusedSeats('seats_taken', layout, taken, 'Not free');
  return (
    findGroupRefusal(layout, seats, byStaff) ?? findOrphanRefusal(state, seats, byStaff) ?? seats
  );
};

const refusedSeats = (
  code: Refusal['code'],
  { ids }: SeatLayout,
  seats: readonly number[],
  what: string,
): Refusal => {
  const names = seats.map((seat) => ids[seat] ?? String(seat));
  return refused(code, `${what}: ${names.join(', ')}.`, { seats: names });
};

/** Couple seats are booked whole by everybody; a companion seat with its wheelchair space, but for staff. */
const findGroupRefusal = (
  layout: SeatLayout,
  seats: readonly number[],
  byStaff: boolean,
): Refusal | undefined => {
  const missing = new Set<number>();
  for (const seat of seats) {
    const space = layout.companionOf[seat];
    const needed = [
      ...(layout.group[seat] ?? []),
      ...(space === undefined || byStaff ? [] : [space]),
    ];
    for (const other of needed) if (!seats.includes(other)) missing.add(other);
  }
  return missing.size === 0
    ? undefined
    : refusedSeats('seat_group_incomplete', layout, [...missing], 'Book these seats too');
};

/** Judged only where the same number of seats could be taken elsewhere without an orphan. */
const findOrphanRefusal = (
  { layout, free, preventOrphans }: SeatState,
  seats: readonly number[],
  byStaff: boolean,
): Refusal | undefined => {
  if (!preventOrphans || byStaff) return undefined;
  const orphans = orphansOf(layout, free, seats);
  if (orphans.length === 0 || !canAvoidOrphans(layout, free, seats.length)) return undefined;
  return refusedSeats('orphan_seat', layout, orphans, 'The choice would leave single seats free');
};
