import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { percentile, ratio, secondsUntilSoldOut } from '../src/statistics.ts';

describe('percentile', () => {
  test('when there are a hundred values, then the 50th and the 99th in order are given', () => {
    const values = Array.from({ length: 100 }, (_value, index) => index + 1);
    expect(percentile(values, 0.5)).toBe(50);
    expect(percentile(values, 0.99)).toBe(99);
    expect(percentile(values, 1)).toBe(100);
  });

  test('when there is one value, then it is every percentile; when there is none, then NaN', () => {
    expect([percentile([7], 0), percentile([7], 0.5), percentile([7], 0.99)]).toEqual([7, 7, 7]);
    expect(percentile([], 0.5)).toBeNaN();
  });

  test('when values are any, then at least that share lies at or below, and less lies below', () => {
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

test('when the control answered nothing, then there is no ratio instead of an infinite one', () => {
  expect(ratio(10_000, 500)).toBe(20);
  expect(ratio(10_000, 0)).toBeNaN();
});

test('when bookings are fast, then a load ends before it can sell out at twice that rate', () => {
  expect(secondsUntilSoldOut(100_000, 10_000)).toBe(5);
  expect(secondsUntilSoldOut(100_000, 1_000_000)).toBe(1);
  expect(secondsUntilSoldOut(100_000, 0)).toBe(Number.MAX_SAFE_INTEGER);
});
