import { expect } from '@jest/globals';
import fc from 'fast-check';

import { availableSeats, modelSteps, type BookingsModel } from './bookings-model.ts';
import type { RealBookings } from './real-bookings.ts';

type Command = fc.AsyncCommand<BookingsModel, RealBookings>;

/** After every command the database agrees with the model on every status and number of seats. */
const expectSame = async (model: BookingsModel, real: RealBookings): Promise<void> => {
  expect(await real.state()).toEqual({
    seats: model.screenings.map((_, screening) => availableSeats(model, screening)),
    bookings: model.bookings.map((it) => ({
      status: it.status,
      payments: it.payments.map(({ status }) => status),
    })),
  });
};

const command = (
  name: string,
  run: (model: BookingsModel, real: RealBookings) => Promise<void>,
  check: (model: Readonly<BookingsModel>) => boolean = () => true,
): Command => ({
  check,
  run: async (model, real) => {
    await run(model, real);
    await expectSame(model, real);
  },
  toString: () => name,
});

const hasBookings = ({ bookings }: Readonly<BookingsModel>): boolean => bookings.length > 0;

const onBooking = (
  name: string,
  pick: number,
  run: (model: BookingsModel, real: RealBookings, index: number) => Promise<void>,
): Command =>
  command(
    `${name} #${String(pick)}`,
    (model, real) => run(model, real, pick % model.bookings.length),
    hasBookings,
  );

const book = fc
  .record({
    owner: fc.nat(1),
    screening: fc.nat(1),
    tickets: fc.integer({ min: 1, max: 4 }),
    key: fc.option(fc.constantFrom('a', 'b'), { nil: undefined, freq: 2 }),
  })
  .map((row) =>
    command(`book ${JSON.stringify(row)}`, async (model, real) => {
      expect(await real.book(row)).toBe(modelSteps.book(model, row));
    }),
  );

const pay = fc
  .tuple(fc.nat(9), fc.constantFrom('tok_approved', 'tok_declined', 'tok_timeout', 'tok_late'))
  .map(([pick, token]) =>
    onBooking(`pay ${token}`, pick, async (model, real, index) => {
      expect(await real.pay(index, token)).toBe(modelSteps.pay(model.bookings[index]!, token));
    }),
  );

const cancel = fc.nat(9).map((pick) =>
  onBooking('cancel', pick, async (model, real, index) => {
    expect(await real.cancel(index)).toBe(modelSteps.cancel(model.bookings[index]!));
  }),
);

const makeOverdue = fc.nat(9).map((pick) =>
  onBooking('pass the expiry of', pick, async (model, real, index) => {
    model.bookings[index]!.isOverdue = true;
    await real.makeOverdue(index);
  }),
);

const expireHolds = fc.boolean().map((graceIsOver) =>
  command(
    `expire holds ${graceIsOver ? 'after the grace period' : 'within the grace period'}`,
    async (model, real) => {
      modelSteps.expireHolds(model, graceIsOver);
      await real.runExpiry(graceIsOver);
    },
  ),
);

const cancelScreening = fc.nat(1).map((screening) =>
  command(`cancel screening ${String(screening)}`, async (model, real) => {
    modelSteps.cancelScreening(model, screening);
    await real.cancelScreening(screening);
  }),
);

const reconcile = fc.boolean().map((abandon) =>
  command(`reconcile${abandon ? ' and abandon' : ''}`, async (model, real) => {
    modelSteps.reconcile(model, abandon);
    await real.reconcile(abandon);
  }),
);

/** Random sequences; booking and paying are more frequent than cancelling a screening. */
export const commandSequences = fc.commands(
  [
    book,
    book,
    book,
    pay,
    pay,
    pay,
    cancel,
    makeOverdue,
    expireHolds,
    reconcile,
    reconcile,
    cancelScreening,
  ],
  { maxCommands: 30, size: 'max' },
);

export type SequenceOfCommands = Iterable<Command>;
