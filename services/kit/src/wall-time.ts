/** The date and time that a clock in some time zone shows; month is 1 to 12. */
export type WallTime = {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
};

const minuteMs = 60_000;

/** Creating an Intl.DateTimeFormat costs far more than using one, so one is kept per zone. */
const formats = new Map<string, Intl.DateTimeFormat>();

const formatOf = (timeZone: string): Intl.DateTimeFormat => {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'iso8601',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
    });
    formats.set(timeZone, format);
  }
  return format;
};

/** The wall time in `timeZone` (an IANA name) at `instant`, to the minute. */
export const wallTimeAt = (instant: Date, timeZone: string): WallTime => {
  const parts = new Map<string, number>();
  for (const part of formatOf(timeZone).formatToParts(instant)) {
    parts.set(part.type, Number(part.value));
  }
  const read = (type: string): number => parts.get(type) ?? 0;
  return {
    year: read('year'),
    month: read('month'),
    day: read('day'),
    hour: read('hour'),
    minute: read('minute'),
  };
};

/** The wall time as milliseconds since 1970, as if the zone were UTC. */
const asUtc = (wall: WallTime): number =>
  Date.UTC(wall.year, wall.month - 1, wall.day, wall.hour, wall.minute);

/** The offset east of UTC in milliseconds. Seconds are dropped on both sides. */
const offsetAt = (instantMs: number, timeZone: string): number => {
  const wholeMinute = Math.floor(instantMs / minuteMs) * minuteMs;
  return asUtc(wallTimeAt(new Date(wholeMinute), timeZone)) - wholeMinute;
};

/**
 * The instant at which the clock in `timeZone` shows `wall`. Days past the end of the month roll over.
 * A time that occurs twice (clocks go back) is the first of the two; a time that does not occur
 * (clocks go forward) is read with the offset before the change, as in RFC 5545.
 */
export const instantOf = (wall: WallTime, timeZone: string): Date => {
  const target = asUtc(wall);
  // No zone changes its offset twice in two days, so these are the offsets before and after a change.
  const before = offsetAt(target - 24 * 60 * minuteMs, timeZone);
  const after = offsetAt(target + 24 * 60 * minuteMs, timeZone);
  for (const offset of [before, after]) {
    const candidate = target - offset;
    if (offsetAt(candidate, timeZone) === offset) return new Date(candidate);
  }
  return new Date(target - before);
};

/** The calendar day in `timeZone` at `instant`: `YYYY-MM-DD`. */
export const localDateAt = (instant: Date, timeZone: string): string =>
  new Date(asUtc(wallTimeAt(instant, timeZone))).toISOString().slice(0, 10);
