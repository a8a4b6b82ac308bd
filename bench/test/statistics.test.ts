import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { percentile, ratio, secondsUntilSoldOut } from '../src/statistics.ts';

describe('percentile', () => {
  test('returns the 50th and the 99th of a hundred values', () => {
    const values = Array.from({ length: 100 }, (_value, index) => index + 1);
    expect(percentile(values, 0.5)).toBe(50);
    expect(percentile(values, 0.99)).toBe(99);
    expect(percentile(values, 1)).toBe(100);
  });

  test('returns the only value, and NaN without values', () => {
    expect([percentile([7], 0), percentile([7], 0.5), percentile([7], 0.99)]).toEqual([7, 7, 7]);
    expect(percentile([], 0.5)).toBeNaN();
  });

  test('at least that share of any values lies at or below it, and less lies below', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true }), { minLength: 1 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (values, share) => {
          const sorted = Float64Array.from(values).sort();
          const found = percentile(sorted, share);
          expect(sorted.filter((it) => it <= found).length).toBeGreaterThanOrEqual(
            Math.floor(share * sorted.length),
          );
          expect(sorted.filter((it) => it < found).length).toBeLessThan(
            Math.max(1, Math.ceil(share * sorted.length)),
          );
        },
      ),
    );
  });
});

test('a control without responses gives NaN, not an infinite ratio', () => {
  expect(ratio(10_000, 500)).toBe(20);
  expect(ratio(10_000, 0)).toBeNaN();
});

test('a load ends before it can sell out at twice the measured rate', () => {
  expect(secondsUntilSoldOut(100_000, 10_000)).toBe(5);
  expect(secondsUntilSoldOut(100_000, 1_000_000)).toBe(1);
  expect(secondsUntilSoldOut(100_000, 0)).toBe(Number.MAX_SAFE_INTEGER);
});
