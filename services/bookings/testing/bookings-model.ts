import type { PaymentStatus } from '../src/payments/payments.schema.ts';
import type { BookingStatus } from '../src/bookings/bookings.schema.ts';

/** What the whole system comes to, without a database, a lock or a clock: the seats are added up. */
export type ModelBooking = {
  owner: number;
  screening: number;
  tickets: number;
  status: BookingStatus;
  ranOut: boolean;
  payments: ModelPayment[];
};

export type ModelPayment = {
  status: PaymentStatus;
  /** Of one in doubt: whether the provider has approved it, or never heard of it. */
  approvedLate: boolean;
};

export type BookingsModel = {
  screenings: { total: number; cancelled: boolean }[];
  bookings: ModelBooking[];
  /** Answers kept by key. */
  keys: Map<string, { body: string; booking: number }>;
};

export const freeSeats = (model: BookingsModel, screening: number): number =>
  model.bookings
    .filter((it) => it.screening === screening && ['pending', 'confirmed'].includes(it.status))
    .reduce((free, it) => free - it.tickets, model.screenings[screening]!.total);

const inDoubt = (booking: ModelBooking): ModelPayment | undefined =>
  booking.payments.find(({ status }) => status === 'processing');

const settle = (booking: ModelBooking, payment: ModelPayment, approved: boolean): void => {
  if (!approved) payment.status = 'declined';
  else if (booking.status === 'pending') {
    payment.status = 'succeeded';
    booking.status = 'confirmed';
  } else payment.status = 'refund_pending';
};

const payBack = (booking: ModelBooking): void => {
  for (const payment of booking.payments) {
    if (payment.status === 'succeeded') payment.status = 'refund_pending';
  }
};

/** Each step gives what a client would be told: `ok`, `replayed` or the code of the refusal. */
export const modelSteps = {
  book: (
    model: BookingsModel,
    wish: { owner: number; screening: number; tickets: number; key: string | undefined },
  ): string => {
    const { owner, screening, tickets } = wish;
    const key = wish.key === undefined ? undefined : `${String(owner)} ${wish.key}`;
    const body = `${String(screening)} ${String(tickets)}`;
    const known = key === undefined ? undefined : model.keys.get(key);
    if (known !== undefined) return known.body === body ? 'replayed' : 'idempotency_key_reused';
    if (model.screenings[screening]!.cancelled) return 'screening_cancelled';
    if (freeSeats(model, screening) < tickets) return 'not_enough_seats';
    if (key !== undefined) model.keys.set(key, { body, booking: model.bookings.length });
    model.bookings.push({
      owner,
      screening,
      tickets,
      status: 'pending',
      ranOut: false,
      payments: [],
    });
    return 'ok';
  },

  pay: (booking: ModelBooking, token: string): string => {
    if (inDoubt(booking) !== undefined) return 'payment_processing';
    if (booking.status === 'confirmed') return 'booking_already_paid';
    if (booking.status === 'expired') return 'booking_expired';
    if (booking.status !== 'pending') return 'booking_cancelled';
    if (booking.ranOut) return 'booking_expired';
    const payment: ModelPayment = { status: 'processing', approvedLate: token === 'tok_late' };
    booking.payments.push(payment);
    if (token === 'tok_late' || token === 'tok_timeout') return 'in_doubt';
    settle(booking, payment, token === 'tok_approved');
    return token === 'tok_approved' ? 'ok' : 'payment_declined';
  },

  cancel: (booking: ModelBooking): string => {
    if (booking.status === 'expired') return 'booking_expired';
    if (booking.status === 'cancelled' || booking.status === 'refunded') return 'booking_cancelled';
    if (inDoubt(booking) !== undefined) return 'payment_processing';
    booking.status = 'cancelled';
    payBack(booking);
    return 'ok';
  },

  sweep: (model: BookingsModel, graceIsOver: boolean): void => {
    for (const booking of model.bookings) {
      const isProtected = inDoubt(booking) !== undefined && !graceIsOver;
      if (booking.status === 'pending' && booking.ranOut && !isProtected) {
        booking.status = 'expired';
      }
    }
  },

  cancelScreening: (model: BookingsModel, screening: number): void => {
    model.screenings[screening]!.cancelled = true;
    for (const booking of model.bookings.filter((it) => it.screening === screening)) {
      if (booking.status !== 'pending' && booking.status !== 'confirmed') continue;
      booking.status = 'cancelled';
      payBack(booking);
    }
  },

  /** @param abandon whether payments in doubt have waited long enough to be called off */
  reconcile: (model: BookingsModel, abandon: boolean): void => {
    for (const booking of model.bookings) {
      for (const payment of booking.payments) {
        if (payment.status === 'refund_pending') {
          payment.status = 'refunded';
          if (booking.status === 'cancelled') booking.status = 'refunded';
        } else if (payment.status === 'processing' && (payment.approvedLate || abandon)) {
          settle(booking, payment, payment.approvedLate);
        }
      }
    }
  },
};
