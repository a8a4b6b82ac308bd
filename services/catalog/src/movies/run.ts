import { Problem } from '@movie-ticketing/kit/problems';
import { localDateAt } from '@movie-ticketing/kit/wall-time';

/** The first and the last day on which a movie is shown: calendar days of each theater. */
export type Run = { startDate: string; endDate: string };

/** Whether a screening that starts at `startsAt` in a theater of `timeZone` lies within the run. */
export const isWithinRun = (run: Run, startsAt: Date, timeZone: string): boolean => {
  const day = localDateAt(startsAt, timeZone);
  return run.startDate <= day && day <= run.endDate;
};

/** @throws Problem outside_run */
export const requireWithinRun = (run: Run, startsAt: Date, timeZone: string): void => {
  if (isWithinRun(run, startsAt, timeZone)) return;
  const day = localDateAt(startsAt, timeZone);
  throw new Problem('outside_run', {
    detail: `The movie runs from ${run.startDate} to ${run.endDate}, and the screening would be on ${day} in ${timeZone}.`,
  });
};

/** The first and the last of the upcoming scheduled screenings of one movie in one theater. */
export type UpcomingScreenings = {
  run: Run;
  timeZone: string;
  firstStartsAt: Date;
  lastStartsAt: Date;
};

/**
 * Refuses a change of a run or a time zone that leaves upcoming screenings outside of their movie's run.
 * The first and the last screening decide for all between them.
 * @throws Problem outside_run
 */
export const requireAllWithinRun = (upcoming: readonly UpcomingScreenings[]): void => {
  for (const { run, timeZone, firstStartsAt, lastStartsAt } of upcoming) {
    const outside = [firstStartsAt, lastStartsAt].find(
      (startsAt) => !isWithinRun(run, startsAt, timeZone),
    );
    if (outside === undefined) continue;
    const day = localDateAt(outside, timeZone);
    throw new Problem('outside_run', {
      detail: `A scheduled screening on ${day} in ${timeZone} would be outside the run of its movie. Move or cancel it first.`,
    });
  }
};
