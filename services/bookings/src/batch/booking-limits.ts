import type { BookingRequest, Refusal } from './booking-request.ts';

/** How much of a screening one user may take, so that unpaid bookings of one user do not block it. */
export type BookingLimits = {
  /** Tickets of pending and confirmed bookings, per user and screening. */
  ticketsPerScreening: number;
  /** Bookings that expired unpaid within the last hour, per user, before further ones are refused. */
  expiredHoldsPerHour: number;
};

/** What a user has taken, as read after the batch's locks. */
export type Usage = { tickets: number; expiredHolds: number };

export type UsageKey = Pick<BookingRequest, 'userId' | 'screeningId'>;

export const usageId = ({ userId, screeningId }: UsageKey): string =>
  `${String(userId)} ${String(screeningId)}`;

/**
 * Applies the limits to the requests of one batch, in order. Tickets are exact under concurrency, for
 * they are read under the screening's lock; expired holds of other screenings are as of the last commit.
 */
export const makeLimitCheck = (
  limits: BookingLimits | undefined,
  usage: ReadonlyMap<string, Usage>,
) => {
  const taken = new Map<string, number>();
  const ticketsOf = (id: string): number => taken.get(id) ?? usage.get(id)?.tickets ?? 0;
  return {
    findRefusal: (request: BookingRequest): Refusal | undefined => {
      if (limits === undefined || request.byStaff) return undefined;
      const id = usageId(request);
      const tickets = ticketsOf(id);
      if (tickets + request.numTickets > limits.ticketsPerScreening) {
        return ticketLimitReached(limits.ticketsPerScreening, tickets);
      }
      const expired = usage.get(id)?.expiredHolds ?? 0;
      return expired < limits.expiredHoldsPerHour ? undefined : holdLimitReached(expired);
    },
    /** Counts a booking that the batch makes. */
    add: (request: BookingRequest): void => {
      if (limits === undefined) return;
      const id = usageId(request);
      taken.set(id, ticketsOf(id) + request.numTickets);
    },
  };
};

export type LimitCheck = ReturnType<typeof makeLimitCheck>;

const ticketLimitReached = (limit: number, tickets: number): Refusal => ({
  kind: 'refused',
  code: 'ticket_limit_reached',
  detail: `A user may have at most ${String(limit)} tickets of a screening and has ${String(tickets)}.`,
});

const holdLimitReached = (expired: number): Refusal => ({
  kind: 'refused',
  code: 'hold_limit_reached',
  detail: `${String(expired)} bookings of the user expired unpaid within the last hour. Try again later.`,
  retryAfter: 600,
});
