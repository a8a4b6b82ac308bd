import type { PaymentStatus } from '../src/payments/payments.schema.ts';
import type { BookingStatus } from '../src/bookings/bookings.schema.ts';

/** A model of the system without database, locks and clock: available seats are computed from the bookings. */
export type ModelBooking = {
  owner: number;
  screening: number;
  tickets: number;
  status: BookingStatus;
  isOverdue: boolean;
  payments: ModelPayment[];
};

export type ModelPayment = {
  status: PaymentStatus;
  /** If its outcome is unknown: whether the provider has approved it or has never received it. */
  approvedLate: boolean;
};

export type BookingsModel = {
  screenings: { total: number; cancelled: boolean }[];
  bookings: ModelBooking[];
  /** Stored results by key. */
  keys: Map<string, { body: string; booking: number }>;
};

export const availableSeats = (model: BookingsModel, screening: number): number =>
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

const requestRefunds = (booking: ModelBooking): void => {
  for (const payment of booking.payments) {
    if (payment.status === 'succeeded') payment.status = 'refund_pending';
  }
};

/** Each command returns the outcome for the client: `ok`, `replayed` or the code of the refusal. */
export const modelSteps = {
  book: (
    model: BookingsModel,
    row: { owner: number; screening: number; tickets: number; key: string | undefined },
  ): string => {
    const { owner, screening, tickets } = row;
    const key = row.key === undefined ? undefined : `${String(owner)} ${row.key}`;
    const body = `${String(screening)} ${String(tickets)}`;
    const known = key === undefined ? undefined : model.keys.get(key);
    if (known !== undefined) return known.body === body ? 'replayed' : 'idempotency_key_reused';
    if (model.screenings[screening]!.cancelled) return 'screening_cancelled';
    if (availableSeats(model, screening) < tickets) return 'not_enough_seats';
    if (key !== undefined) model.keys.set(key, { body, booking: model.bookings.length });
    model.bookings.push({
      owner,
      screening,
      tickets,
      status: 'pending',
      isOverdue: false,
      payments: [],
    });
    return 'ok';
  },

  pay: (booking: ModelBooking, token: string): string => {
    if (inDoubt(booking) !== undefined) return 'payment_processing';
    if (booking.status === 'confirmed') return 'booking_already_paid';
    if (booking.status === 'expired') return 'booking_expired';
    if (booking.status !== 'pending') return 'booking_cancelled';
    if (booking.isOverdue) return 'booking_expired';
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
    requestRefunds(booking);
    return 'ok';
  },

  expireHolds: (model: BookingsModel, graceIsOver: boolean): void => {
    for (const booking of model.bookings) {
      const isProtected = inDoubt(booking) !== undefined && !graceIsOver;
      if (booking.status === 'pending' && booking.isOverdue && !isProtected) {
        booking.status = 'expired';
      }
    }
  },

  cancelScreening: (model: BookingsModel, screening: number): void => {
    model.screenings[screening]!.cancelled = true;
    for (const booking of model.bookings.filter((it) => it.screening === screening)) {
      if (booking.status !== 'pending' && booking.status !== 'confirmed') continue;
      booking.status = 'cancelled';
      requestRefunds(booking);
    }
  },

  /** @param abandon whether payments with an unknown outcome are old enough to be abandoned */
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
