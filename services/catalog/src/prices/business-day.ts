import { wallTimeAt } from '@movie-ticketing/kit/wall-time';

/** When a business day of a cinema ends, in minutes after midnight: a screening at 00:30 belongs to the day before. */
const dayStartsAt = 6 * 60;
const minutesPerDay = 24 * 60;

/** The business day of an instant in a theater, and the minutes since the midnight at which that day began. */
export type BusinessTime = {
  /** From 1, Monday, to 7, Sunday. */
  weekday: number;
  /** From 360, 06:00, to 1799, 05:59 of the next calendar day. */
  minute: number;
};

/**
 * By the clock on the wall of the theater, so that a change to or from summer time moves no screening to
 * another price.
 */
export const businessTimeOf = (instant: Date, timeZone: string): BusinessTime => {
  const wall = wallTimeAt(instant, timeZone);
  const minute = wall.hour * 60 + wall.minute;
  const isNight = minute < dayStartsAt;
  const day = new Date(Date.UTC(wall.year, wall.month - 1, wall.day - (isNight ? 1 : 0)));
  return { weekday: day.getUTCDay() || 7, minute: isNight ? minute + minutesPerDay : minute };
};

export type AppliesTo = {
  weekdays: number[];
  /** `HH:MM` of the theater's clock. */
  from: string;
  until: string;
};

const minuteOf = (time: string): number => {
  const minute = Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
  return minute < dayStartsAt ? minute + minutesPerDay : minute;
};

/** Whether a screening at that time is among those of a card. From 06:00 until 06:00 is the whole day. */
export const applies = ({ weekdays, from, until }: AppliesTo, at: BusinessTime): boolean => {
  const start = minuteOf(from);
  const end = minuteOf(until);
  return (
    weekdays.includes(at.weekday) &&
    at.minute >= start &&
    at.minute < (end <= start ? dayStartsAt + minutesPerDay : end)
  );
};

/** The first card, in their order, that applies to a screening. */
export const chooseCard = <Card extends { appliesTo: AppliesTo | null }>(
  cards: readonly Card[],
  startsAt: Date,
  timeZone: string,
): Card | undefined => {
  const at = businessTimeOf(startsAt, timeZone);
  return cards.find(({ appliesTo }) => appliesTo !== null && applies(appliesTo, at));
};
