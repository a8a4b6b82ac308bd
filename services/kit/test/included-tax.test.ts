import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { includedTax } from '../src/included-tax.ts';

const amounts = fc.integer({ min: 0, max: 200_000_000 });
const rates = fc.integer({ min: 0, max: 10_000 });

describe('the tax that an amount includes', () => {
  test('rounds the net amount half up: 2.99 at 4 % is 2.88 and 0.11', () => {
    expect(includedTax(299, 400)).toBe(11);
    expect(includedTax(1_190, 1_900)).toBe(190);
    expect(includedTax(1_500, 0)).toBe(0);
  });

  test('is the rounded tax of exact arithmetic for every amount and rate', () => {
    fc.assert(
      fc.property(amounts, rates, (gross, rate) => {
        const divisor = BigInt(10_000 + rate);
        const net = (BigInt(gross) * 20_000n + divisor) / (2n * divisor);
        expect(includedTax(gross, rate)).toBe(gross - Number(net));
      }),
    );
  });

  test('grows with the amount and never exceeds it', () => {
    fc.assert(
      fc.property(amounts, rates, (gross, rate) => {
        const tax = includedTax(gross, rate);
        expect(tax).toBeGreaterThanOrEqual(0);
        expect(tax).toBeLessThanOrEqual(gross);
        expect(includedTax(gross + 1, rate)).toBeGreaterThanOrEqual(tax);
      }),
    );
  });
});
