import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { instantOf, localDateAt, wallTimeAt } from '../src/wall-time.ts';

const zones = ['America/New_York', 'Australia/Lord_Howe', 'Africa/Cairo', 'Asia/Kathmandu', 'UTC'];

describe('instantOf', () => {
  test('a wall time is an hour earlier in UTC after clocks go forward', () => {
    const tenOn = (day: number): string =>
      instantOf(
        { year: 2026, month: 3, day, hour: 10, minute: 0 },
        'America/New_York',
      ).toISOString();
    expect(tenOn(7)).toBe('2026-03-07T15:00:00.000Z');
    expect(tenOn(8)).toBe('2026-03-08T14:00:00.000Z');
  });

  test('reads a wall time that does not occur with the offset before the change', () => {
    const wall = { year: 2026, month: 3, day: 8, hour: 2, minute: 30 };
    expect(instantOf(wall, 'America/New_York').toISOString()).toBe('2026-03-08T07:30:00.000Z');
  });

  test('reads a wall time that occurs twice as the first of the two', () => {
    const wall = { year: 2026, month: 11, day: 1, hour: 1, minute: 30 };
    expect(instantOf(wall, 'America/New_York').toISOString()).toBe('2026-11-01T05:30:00.000Z');
  });

  test('rolls a day past the end of the month over', () => {
    const wall = { year: 2026, month: 12, day: 33, hour: 10, minute: 0 };
    expect(instantOf(wall, 'UTC').toISOString()).toBe('2027-01-02T10:00:00.000Z');
  });

  test('converts the wall time of any instant back to the same wall time', () => {
    const anyInstant = fc.date({
      min: new Date('2000-01-01T00:00:00Z'),
      max: new Date('2050-01-01T00:00:00Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(anyInstant, fc.constantFrom(...zones), (instant, zone) => {
        const wall = wallTimeAt(instant, zone);
        expect(wallTimeAt(instantOf(wall, zone), zone)).toEqual(wall);
      }),
    );
  });
});

test('localDateAt returns the calendar day of the time zone', () => {
  const instant = new Date('2026-02-28T20:00:00Z');
  expect(localDateAt(instant, 'Asia/Tokyo')).toBe('2026-03-01');
  expect(localDateAt(instant, 'America/New_York')).toBe('2026-02-28');
});
