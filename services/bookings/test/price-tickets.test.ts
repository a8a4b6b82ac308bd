import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { priceTickets, totalOf, type Discount } from '../src/prices/price-tickets.ts';

const noFee = { feeMinor: 0, taxRateBp: 0 };
const discountsOf = (prices: number[], discount: Discount): number[] =>
  priceTickets(prices, noFee, discount).map(({ discountMinor }) => discountMinor);

describe('the amounts of a booking', () => {
  test('are price, fee and the tax that both include, for each ticket', () => {
    const tickets = priceTickets([1_190, 690], { feeMinor: 100, taxRateBp: 1_900 });
    expect(tickets).toEqual([
      { priceMinor: 1_190, discountMinor: 0, feeMinor: 100, taxMinor: 206 },
      { priceMinor: 690, discountMinor: 0, feeMinor: 100, taxMinor: 126 },
    ]);
    expect(totalOf(tickets)).toBe(2_080);
  });

  test('have a percentage rounded half up for each ticket', () => {
    expect(discountsOf([1_005, 1_004], { percent: 10 })).toEqual([101, 100]);
    expect(discountsOf([999], { percent: 100 })).toEqual([999]);
  });

  test('have an amount divided by largest remainder', () => {
    expect(discountsOf([1_000, 1_000, 1_000], { amountMinor: 1_000 })).toEqual([334, 333, 333]);
    expect(discountsOf([1_500, 500], { amountMinor: 333 })).toEqual([250, 83]);
    expect(discountsOf([500, 300], { amountMinor: 5_000 })).toEqual([500, 300]);
    expect(discountsOf([0, 0], { amountMinor: 5 })).toEqual([0, 0]);
  });

  const price = fc.integer({ min: 0, max: 100_000_000 });
  const bookings = fc.record({
    prices: fc.array(price, { minLength: 1, maxLength: 10 }),
    rules: fc.record({ feeMinor: price, taxRateBp: fc.integer({ min: 0, max: 10_000 }) }),
    discount: fc.oneof(
      fc.record({ percent: fc.integer({ min: 1, max: 100 }) }),
      fc.record({ amountMinor: fc.integer({ min: 1, max: 100_000_000 }) }),
    ),
  });

  test('add up to the minor unit, and no ticket costs less than its fee', () => {
    fc.assert(
      fc.property(bookings, ({ prices, rules, discount }) => {
        const tickets = priceTickets(prices, rules, discount);
        const sum = (pick: (it: (typeof tickets)[number]) => number): number =>
          tickets.reduce((total, it) => total + pick(it), 0);
        const subtotal = prices.reduce((total, it) => total + it, 0);
        if ('amountMinor' in discount) {
          expect(sum((it) => it.discountMinor)).toBe(Math.min(discount.amountMinor, subtotal));
        }
        expect(totalOf(tickets)).toBe(
          subtotal - sum((it) => it.discountMinor) + rules.feeMinor * prices.length,
        );
        for (const it of tickets) {
          expect(it.discountMinor).toBeGreaterThanOrEqual(0);
          expect(it.discountMinor).toBeLessThanOrEqual(it.priceMinor);
          expect(it.taxMinor).toBeLessThanOrEqual(it.priceMinor - it.discountMinor + it.feeMinor);
        }
      }),
    );
  });
});
