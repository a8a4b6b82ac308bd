import { flatPrices, pricesByCard, type TicketType } from '../prices/screening-prices.ts';
import { priceTickets, type PriceRules } from '../prices/price-tickets.ts';
import type { PromoCodeCheck } from '../promo-codes/check-promo-code.ts';
import type { LockedPromoCode } from '../promo-codes/promo-codes.repository.ts';
import type { SeatAllocation } from '../seats/seat-allocation.ts';
import type { SeatLayout } from '../seats/seat-layout.ts';
import type { LockedScreening } from '../seats/seats.repository.ts';
import type { Ticket } from '../tickets/tickets.schema.ts';
import { refused, refusedField, type BookingRequest, type Refusal } from './booking-request.ts';
import { chooseSeats } from './choose-seats.ts';

/** What decides about the tickets of a request besides its screening. */
export type TicketView = {
  /** Prepared seat plans by id. */
  layouts: ReadonlyMap<number, SeatLayout>;
  /** Those that requests name. */
  ticketTypes: ReadonlyMap<number, TicketType>;
};

/** Tickets without ids, in the order of the request, and the promo code that was used. */
export type DecidedTickets = {
  kind: 'decided';
  /** Empty for general admission at the flat price: such tickets are alike and have no rows. */
  tickets: Omit<Ticket, 'id'>[];
  promoCode: LockedPromoCode | undefined;
};

const noTickets: DecidedTickets = { kind: 'decided', tickets: [], promoCode: undefined };

const flatRules: PriceRules = { feeMinor: 0, taxRateBp: 0 };

/** Whether a request is for tickets of general admission at the flat price, which are all alike. */
const isPlain = (request: BookingRequest, screening: LockedScreening): boolean =>
  screening.seatPlanId === null &&
  screening.priceCardId === null &&
  request.wish === undefined &&
  request.promoCode === undefined;

/** Seats, prices and the promo code of one request, or why it is refused. Takes nothing. */
export const decideTickets = (
  request: BookingRequest,
  screening: LockedScreening,
  view: TicketView,
  allocation: SeatAllocation,
  promoCodes: PromoCodeCheck,
): DecidedTickets | Refusal => {
  if (isPlain(request, screening)) {
    return findShortage(request, allocation.seatsLeft(screening)) ?? noTickets;
  }
  const { seatPlanId } = screening;
  const layout = seatPlanId === null ? undefined : view.layouts.get(seatPlanId);
  const seats = findSeats(request, screening, layout, allocation);
  if ('kind' in seats) return seats;
  const unpriced = Array.from({ length: request.numTickets }, (_, index) => ({
    ticketTypeId: request.wish?.tickets[index]?.ticketTypeId,
    category: layout?.categories[layout.category[seats[index] ?? -1] ?? -1] ?? null,
  }));
  if (screening.priceCardId !== null && screening.priceCard === undefined) {
    // Chosen for the screening after the snapshot of the statement that locked it.
    return refused('overloaded', 'The prices of the screening are changing. Try again.', {
      retryAfter: 1,
    });
  }
  const { priceCard, priceMinor } = screening;
  const priced =
    priceCard === undefined
      ? flatPrices(priceMinor, unpriced, view.ticketTypes, request.byStaff)
      : pricesByCard(priceCard, unpriced, request.byStaff);
  if ('kind' in priced) return priced;
  const promoCode = promoCodes.find(request.promoCode, screening);
  if (promoCode !== undefined && 'kind' in promoCode) return promoCode;
  const amounts = priceTickets(
    priced.map((it) => it.priceMinor),
    priceCard ?? flatRules,
    promoCode?.discount,
  );
  return {
    kind: 'decided',
    promoCode,
    tickets: amounts.map((it, index) => ({
      ...it,
      ticketTypeId: priced[index]?.ticketTypeId ?? null,
      seat: seats[index] ?? null,
      seatId: layout?.ids[seats[index] ?? -1] ?? null,
    })),
  };
};

const findShortage = ({ numTickets }: BookingRequest, left: number): Refusal | undefined => {
  if (numTickets <= left) return undefined;
  return refused(
    'not_enough_seats',
    left === 0
      ? 'The screening is sold out.'
      : `Not enough seats: ${String(numTickets)} requested, ${String(left)} available.`,
  );
};

/** Positions of numbered seats, none for general admission. */
const findSeats = (
  request: BookingRequest,
  screening: LockedScreening,
  layout: SeatLayout | undefined,
  allocation: SeatAllocation,
): readonly number[] | Refusal => {
  const { wish } = request;
  const named = wish?.tickets.findIndex(({ seat }) => seat !== undefined) ?? -1;
  // Which of the seats are taken says more than how many are left.
  const shortage = findShortage(request, allocation.seatsLeft(screening));
  if (shortage !== undefined && (layout === undefined || named === -1)) return shortage;
  if (layout !== undefined) {
    const free = allocation.freeSeats(screening);
    return chooseSeats({ layout, free, preventOrphans: screening.preventOrphans }, request);
  }
  if (screening.seatPlanId !== null) return refused('internal');
  const message = 'the screening has no numbered seats';
  if (named !== -1) return refusedField(`tickets.${String(named)}.seat`, message);
  return wish?.bestAvailable === undefined ? [] : refusedField('best_available', message);
};
