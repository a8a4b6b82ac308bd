import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { bitsOf, toBase64 } from '../src/seat-bitmap.ts';

/** As a client reads the map, by the rule that the API documents. */
const isSet = (base64: string, seat: number): boolean =>
  ((Buffer.from(base64, 'base64')[seat >> 3] ?? 0) & (1 << (seat & 7))) !== 0;

describe('a seat map in base64', () => {
  test('has the first seat in the least significant bit', () => {
    expect(toBase64('1')).toBe('AQ==');
    expect(toBase64('0000000010')).toBe('AAE=');
    expect(toBase64(null)).toBe('');
  });

  test('has exactly the seats that were set', () => {
    const maps = fc
      .integer({ min: 1, max: 5_000 })
      .chain((length) =>
        fc.tuple(fc.constant(length), fc.uniqueArray(fc.integer({ min: 0, max: length - 1 }))),
      );
    fc.assert(
      fc.property(maps, ([length, seats]) => {
        const base64 = toBase64(bitsOf(length, seats));
        const found = Array.from({ length }, (_, seat) => seat).filter((seat) =>
          isSet(base64, seat),
        );
        expect(found).toEqual(seats.toSorted((a, b) => a - b));
      }),
    );
  });
});
