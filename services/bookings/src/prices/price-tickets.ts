import { includedTax } from '@movie-ticketing/kit/included-tax';

/** Amounts are in minor units. */
export type PriceRules = {
  /** For each ticket. */
  feeMinor: number;
  /** Included in prices and fees, in basis points. */
  taxRateBp: number;
};

/** What a promo code takes off. */
export type Discount = { percent: number } | { amountMinor: number };

/** The amounts of one ticket. Tax is included: a ticket costs price - discount + fee. */
export type TicketAmounts = {
  priceMinor: number;
  discountMinor: number;
  feeMinor: number;
  taxMinor: number;
};

/**
 * The amounts of the tickets of a booking, which are fixed when it is made. A percentage is rounded half up
 * for each ticket. An amount is divided in proportion to the prices, by largest remainder, and takes at
 * most the prices off. Fees are never reduced.
 * @param prices of the tickets, in their order
 */
export const priceTickets = (
  prices: readonly number[],
  { feeMinor, taxRateBp }: PriceRules,
  discount?: Discount,
): TicketAmounts[] => {
  const discounts = discountsOf(prices, discount);
  return prices.map((priceMinor, index) => {
    const discountMinor = discounts[index] ?? 0;
    const taxMinor = includedTax(priceMinor - discountMinor + feeMinor, taxRateBp);
    return { priceMinor, discountMinor, feeMinor, taxMinor };
  });
};

/** What a booking with these tickets costs. */
export const totalOf = (tickets: readonly TicketAmounts[]): number =>
  tickets.reduce((sum, it) => sum + it.priceMinor - it.discountMinor + it.feeMinor, 0);

const discountsOf = (prices: readonly number[], discount: Discount | undefined): number[] => {
  if (discount === undefined) return prices.map(() => 0);
  if ('percent' in discount) {
    return prices.map((price) => Math.floor((price * discount.percent + 50) / 100));
  }
  return divide(discount.amountMinor, prices);
};

/**
 * Divides an amount in proportion to weights, by largest remainder: the parts add up to the amount, or to
 * the weights where these are less. No part exceeds its weight.
 */
const divide = (amount: number, weights: readonly number[]): number[] => {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (amount >= sum) return [...weights];
  // Exact: a product of two amounts exceeds 2^53.
  const products = weights.map((weight) => BigInt(weight) * BigInt(amount));
  const whole = BigInt(sum);
  const parts = products.map((product) => Number(product / whole));
  const left = amount - parts.reduce((total, part) => total + part, 0);
  const byRemainder = [...products.keys()].sort((a, b) => {
    const difference = ((products[b] ?? 0n) % whole) - ((products[a] ?? 0n) % whole);
    return difference === 0n ? a - b : Number(difference > 0n) * 2 - 1;
  });
  for (const index of byRemainder.slice(0, left)) parts[index] = (parts[index] ?? 0) + 1;
  return parts;
};
