/** A moment as a clock on the wall of some time zone shows it; month is 1 to 12. */
export interface WallTime {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
}

const MINUTE_MS = 60_000;

/** Making an Intl.DateTimeFormat costs far more than using one, so one is kept per zone. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
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
}

/** What the wall clock of `timeZone` (IANA name) shows at `instant`, to the minute. */
export function wallTimeAt(instant: Date, timeZone: string): WallTime {
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
}

/** The wall time's position on a time line of its own, as if the zone were UTC. */
function asUtc(wall: WallTime): number {
  return Date.UTC(wall.year, wall.month - 1, wall.day, wall.hour, wall.minute);
}

/** Minutes east of UTC at an instant, in milliseconds; seconds are left out on both sides. */
function offsetAt(instantMs: number, timeZone: string): number {
  const wholeMinute = Math.floor(instantMs / MINUTE_MS) * MINUTE_MS;
  return asUtc(wallTimeAt(new Date(wholeMinute), timeZone)) - wholeMinute;
}

/**
 * The instant at which the clock in `timeZone` shows `wall`. Days past the month's end roll over.
 * A time that comes twice (clocks go back) is the first of the two; a time that never comes
 * (clocks go forward) is read with the offset before the change, as RFC 5545 does.
 */
export function instantOf(wall: WallTime, timeZone: string): Date {
  const target = asUtc(wall);
  // No zone changes its offset twice in two days, so these are the offsets either side of a change.
  const before = offsetAt(target - 24 * 60 * MINUTE_MS, timeZone);
  const after = offsetAt(target + 24 * 60 * MINUTE_MS, timeZone);
  for (const offset of [before, after]) {
    const candidate = target - offset;
    if (offsetAt(candidate, timeZone) === offset) return new Date(candidate);
  }
  return new Date(target - before);
}

/** `YYYY-MM-DD` on the wall calendar of `timeZone` at `instant`. */
export function localDateAt(instant: Date, timeZone: string): string {
  return new Date(asUtc(wallTimeAt(instant, timeZone))).toISOString().slice(0, 10);
}
