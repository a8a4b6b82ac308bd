/**
 * Parses `date-time` of RFC 3339, section 5.6: letters in either case, any number of fraction digits
 * (kept to the millisecond), any offset up to 23:59, and `-00:00`.
 */

const pattern =
  /^(?<date>(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d))[Tt](?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d)(?:\.(?<fraction>\d+))?(?:[Zz]|(?<sign>[+-])(?<offsetHour>\d\d):(?<offsetMinute>\d\d))$/;

const syntax = 'must be an RFC 3339 time like 2027-01-31T19:30:00Z';

const minuteMs = 60_000;

const daysIn = (year: number, month: number): number =>
  new Date(Date.UTC(year, month, 0)).getUTCDate();

type Fields = {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  offsetHour: number;
  offsetMinute: number;
};

/** The field that is out of range, as a message. */
const outOfRange = (at: Fields): string | undefined => {
  if (at.month < 1 || at.month > 12) return 'must have a month from 01 to 12';
  if (at.day < 1 || at.day > daysIn(at.year, at.month)) return 'must have a day that the month has';
  if (at.hour > 23) return 'must have an hour from 00 to 23: midnight is 00:00:00 of the next day';
  if (at.minute > 59) return 'must have a minute from 00 to 59';
  if (at.second > 60) return 'must have a second from 00 to 59';
  if (at.offsetHour > 23 || at.offsetMinute > 59) return 'must have an offset up to 23:59';
  return undefined;
};

const leapSecond =
  'must have a second from 00 to 59: second 60 exists only at 23:59:60 UTC on the last day of a month';

/** RFC 3339 section 5.7: a leap second is second 60 of the last minute of a month in UTC. */
const endsMonth = (minuteStart: number): boolean => {
  const next = new Date(minuteStart + minuteMs);
  return next.getUTCDate() === 1 && next.getUTCHours() === 0 && next.getUTCMinutes() === 0;
};

/**
 * The instant that `value` names, or what is wrong with it. A leap second is the second after it, as
 * in PostgreSQL: neither POSIX time nor `Date` has it.
 */
export const parseInstant = (value: string): Date | string => {
  const groups = pattern.exec(value)?.groups;
  if (groups === undefined) {
    const lostPlus = / \d\d:\d\d$/.test(value);
    return lostPlus ? `${syntax}; write the + of an offset as %2B in a URL` : syntax;
  }
  const number = (name: string): number => Number(groups[name] ?? 0);
  const at: Fields = {
    year: number('year'),
    month: number('month'),
    day: number('day'),
    hour: number('hour'),
    minute: number('minute'),
    second: number('second'),
    offsetHour: number('offsetHour'),
    offsetMinute: number('offsetMinute'),
  };
  const wrong = outOfRange(at);
  if (wrong !== undefined) return wrong;
  const offset = (at.offsetHour * 60 + at.offsetMinute) * (groups['sign'] === '-' ? -1 : 1);
  const local = new Date(0);
  // Date.UTC reads the years 0 to 99 as 1900 to 1999.
  local.setUTCFullYear(at.year, at.month - 1, at.day);
  local.setUTCHours(at.hour, at.minute, 0, 0);
  const minuteStart = local.getTime() - offset * minuteMs;
  if (at.second === 60)
    return endsMonth(minuteStart) ? new Date(minuteStart + minuteMs) : leapSecond;
  const milliseconds = Number((groups['fraction'] ?? '').slice(0, 3).padEnd(3, '0'));
  return new Date(minuteStart + at.second * 1_000 + milliseconds);
};
