import { describe, expect, test } from '@jest/globals';

import { applies, businessTimeOf, chooseCard } from '../src/prices/business-day.ts';

const berlin = 'Europe/Berlin';
const everyDay = [1, 2, 3, 4, 5, 6, 7];

describe('the business day of a screening', () => {
  test('is the day before for a screening at 00:30', () => {
    // Saturday, 2 January 2027, 00:30 in Berlin.
    expect(businessTimeOf(new Date('2027-01-01T23:30:00Z'), berlin)).toEqual({
      weekday: 5,
      minute: 24 * 60 + 30,
    });
  });

  test('begins at 06:00', () => {
    expect(businessTimeOf(new Date('2027-01-02T04:59:00Z'), berlin).weekday).toBe(5);
    expect(businessTimeOf(new Date('2027-01-02T05:00:00Z'), berlin)).toEqual({
      weekday: 6,
      minute: 360,
    });
  });

  test('has the same time on the wall before and after a change to summer time', () => {
    // Both at 17:00 in Berlin: the clocks change on Sunday, 28 March 2027.
    const before = businessTimeOf(new Date('2027-03-26T16:00:00Z'), berlin);
    const after = businessTimeOf(new Date('2027-03-29T15:00:00Z'), berlin);
    expect(before.minute).toBe(17 * 60);
    expect(after.minute).toBe(17 * 60);
  });
});

describe('the price card of a new screening', () => {
  const matinee = {
    id: 1,
    appliesTo: { weekdays: [1, 2, 3, 4, 5], from: '06:00', until: '17:00' },
  };
  const always = { id: 2, appliesTo: { weekdays: everyDay, from: '06:00', until: '06:00' } };
  const byHand = { id: 3, appliesTo: null };

  test('is the first that applies', () => {
    const cards = [byHand, matinee, always];
    // Friday 16:59, Friday 17:00 and Saturday 12:00 in Berlin.
    expect(chooseCard(cards, new Date('2027-01-01T15:59:00Z'), berlin)?.id).toBe(1);
    expect(chooseCard(cards, new Date('2027-01-01T16:00:00Z'), berlin)?.id).toBe(2);
    expect(chooseCard(cards, new Date('2027-01-02T11:00:00Z'), berlin)?.id).toBe(2);
  });

  test('is none where no card applies', () => {
    expect(chooseCard([byHand], new Date('2027-01-01T15:59:00Z'), berlin)).toBeUndefined();
    expect(chooseCard([matinee], new Date('2027-01-02T11:00:00Z'), berlin)).toBeUndefined();
  });

  test('may end after midnight', () => {
    const late = { weekdays: [5], from: '22:00', until: '02:00' };
    expect(applies(late, businessTimeOf(new Date('2027-01-02T00:30:00Z'), berlin))).toBe(true);
    expect(applies(late, businessTimeOf(new Date('2027-01-02T01:00:00Z'), berlin))).toBe(false);
  });
});
