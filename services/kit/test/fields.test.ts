import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';

import { day, instant, limit, multilineText, secretText, text, timeZone } from '../src/fields.ts';

const messageOf = (schema: z.ZodType, value: unknown): string | undefined =>
  schema.safeParse(value).error?.issues[0]?.message;

const composed = 'Am\u00e9lie';
const decomposed = 'Ame\u0301lie';

describe('text', () => {
  test('is stored in NFC', () => {
    for (const field of [text(1, 300), multilineText(300), secretText(1, 300)]) {
      expect(field.parse(decomposed)).toBe(composed);
    }
  });

  test('loses surrounding white space, but a secret keeps it', () => {
    const padded = '\ufeff\u00a0 Ran \t\n';
    expect(text(1, 300).parse(padded)).toBe('Ran');
    expect(multilineText(300).parse(padded)).toBe('Ran');
    expect(secretText(1, 300).parse(padded)).toBe(padded);
  });

  test('keeps white space between words', () => {
    expect(text(1, 300).parse(' High  Noon ')).toBe('High  Noon');
    expect(multilineText(300).parse('one\r\n\ttwo')).toBe('one\r\n\ttwo');
  });

  test.each([
    ['empty', ''],
    ['spaces', '   '],
    ['a no-break space and an ideographic space', '\u00a0\u3000'],
    ['zero-width characters', '\u200b\u2060\ufeff'],
    ['a Hangul filler', '\u3164'],
    ['a blank Braille pattern', '\u2800'],
    ['control characters', '\u0001\u0002'],
    ['a line break between words', 'High\nNoon'],
    ['a line separator between words', 'High\u2028Noon'],
    ['a C1 control character', 'High\u0085Noon'],
    ['NUL', 'High\u0000Noon'],
    ['half a surrogate pair', 'High \ud83d'],
  ])('rejects %s', (_what, value) => {
    expect(messageOf(text(1, 300), value)).toMatch(/^must /);
  });

  test.each(['!', '…', '007', '🎬', 'ا', 'के', '👨‍👩‍👧', 'e\u0301'])(
    'accepts %s as a title',
    (value) => {
      expect(text(1, 300).safeParse(value).success).toBe(true);
    },
  );

  test('counts code points after normalization, as PostgreSQL and JSON Schema do', () => {
    expect(text(1, 3).parse('🎬🎬🎬')).toBe('🎬🎬🎬');
    expect(text(1, 1).parse('e\u0301')).toBe('\u00e9');
    expect(messageOf(text(1, 3), '🎬🎬🎬🎬')).toBe('must have at most 3 characters');
  });

  test('parsing twice changes nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (value) => {
        const once = text(0, 100).safeParse(value);
        if (once.success) expect(text(0, 100).parse(once.data)).toBe(once.data);
      }),
    );
  });

  test('is published with the limits that are checked', () => {
    expect(z.toJSONSchema(text(1, 300))).toMatchObject({
      type: 'string',
      minLength: 1,
      maxLength: 300,
    });
  });
});

describe('timeZone', () => {
  test.each([
    ['europe/london', 'Europe/London'],
    ['EUROPE/LONDON', 'Europe/London'],
    ['GB', 'Europe/London'],
    ['us/pacific', 'America/Los_Angeles'],
    ['Asia/Kolkata', 'Asia/Kolkata'],
    ['Asia/Calcutta', 'Asia/Kolkata'],
    ['Europe/Kiev', 'Europe/Kyiv'],
    ['America/Argentina/Buenos_Aires', 'America/Argentina/Buenos_Aires'],
    ['utc', 'UTC'],
    ['Etc/GMT+1', 'Etc/GMT+1'],
  ])('stores %s as %s', (written, stored) => {
    expect(timeZone().parse(written)).toBe(stored);
  });

  test('every zone of Intl in any case has one canonical spelling', () => {
    for (const zone of Intl.supportedValuesOf('timeZone')) {
      const canonical = timeZone().parse(zone);
      expect(timeZone().parse(zone.toLowerCase())).toBe(canonical);
      expect(timeZone().parse(canonical)).toBe(canonical);
    }
  });

  test.each(['+01:00', '-05:00', '+0100', '01:00', '', 'Mars/Olympus_Mons', ' UTC', 'Europe'])(
    'rejects %j',
    (value) => {
      expect(messageOf(timeZone(), value)).toBe('must be an IANA time zone like Europe/London');
    },
  );
});

describe('instant', () => {
  test.each([
    ['2027-03-05T23:30:00Z', '2027-03-05T23:30:00.000Z'],
    ['2027-03-05t23:30:00z', '2027-03-05T23:30:00.000Z'],
    ['2027-03-05T23:30:00+02:00', '2027-03-05T21:30:00.000Z'],
    ['2027-03-05T23:30:00-00:00', '2027-03-05T23:30:00.000Z'],
    ['2027-03-05T23:30:00+23:59', '2027-03-04T23:31:00.000Z'],
    ['2027-03-05T23:30:00.5Z', '2027-03-05T23:30:00.500Z'],
    ['2027-03-05T23:30:00.123456789Z', '2027-03-05T23:30:00.123Z'],
    ['2028-02-29T00:00:00Z', '2028-02-29T00:00:00.000Z'],
    ['2027-06-30T23:59:60Z', '2027-07-01T00:00:00.000Z'],
    ['2027-06-30T23:59:60.9Z', '2027-07-01T00:00:00.000Z'],
    ['1990-12-31T15:59:60-08:00', '1991-01-01T00:00:00.000Z'],
  ])('reads %s', (value, expected) => {
    expect(instant().parse(value).toISOString()).toBe(expected);
  });

  test.each([
    ['2027-03-05T24:00:00Z', 'hour from 00 to 23'],
    ['2027-03-05T23:60:00Z', 'minute from 00 to 59'],
    ['2027-03-05T23:30:61Z', 'second from 00 to 59'],
    ['2027-03-05T23:30:60Z', 'second 60 exists only'],
    ['2027-03-05T23:59:60Z', 'second 60 exists only'],
    ['2027-06-30T23:59:60-08:00', 'second 60 exists only'],
    ['2027-02-29T00:00:00Z', 'day that the month has'],
    ['2027-13-01T00:00:00Z', 'month from 01 to 12'],
    ['2027-03-05T23:30:00+24:00', 'offset up to 23:59'],
    ['2027-03-05T23:30:00 02:00', '%2B'],
    ['2027-03-05 23:30:00Z', 'RFC 3339'],
    ['2027-03-05T23:30Z', 'RFC 3339'],
    ['2027-03-05T23:30:00', 'RFC 3339'],
    ['2027-03-05T23:30:00,5Z', 'RFC 3339'],
    ['2027-03-05T23:30:00+0200', 'RFC 3339'],
    ['1969-12-31T23:59:59Z', 'between 1970 and 9998'],
    ['0001-01-01T00:00:00Z', 'between 1970 and 9998'],
  ])('rejects %s and says what is wrong', (value, message) => {
    expect(messageOf(instant(), value)).toContain(message);
  });

  test('reads every time that Date writes', () => {
    const between = {
      min: new Date(0),
      max: new Date('9998-12-31T23:59:59Z'),
      noInvalidDate: true,
    };
    fc.assert(
      fc.property(fc.date(between), (date) => {
        expect(instant().parse(date.toISOString())).toEqual(date);
      }),
    );
  });
});

test.each(['2027-02-30', '0000-01-01', '2027-1-1', '2027-01-31T00:00:00Z', '2027-W05'])(
  'day rejects %s',
  (value) => {
    expect(day().safeParse(value).success).toBe(false);
  },
);

test.each([
  ['1', 1],
  ['200', 200],
  [undefined, 50],
])('limit reads %s as %d', (value, expected) => {
  expect(limit().parse(value)).toBe(expected);
});

test.each(['0', '201', '007', '1.0', '+5', ' 5', '-1', ''])('limit rejects %j', (value) => {
  expect(messageOf(limit(), value)).toBe('must be a whole number from 1 to 200');
});
