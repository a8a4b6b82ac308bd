import { instantOf, localDateAt, wallTimeAt, type WallTime } from '@movie-ticketing/kit/wall-time';

/** What the plan needs to know of a movie; prices are in minor units of the configured currency. */
export type PlannedMovie = { duration_minutes: number; price_minor: number };

/** What the plan needs to know of a theater. */
export type PlannedTheater = { time_zone: string };

export type PlannedScreening = {
  /** Positions in the lists given to planScreenings. */
  movie: number;
  theater: number;
  startsAt: Date;
  endsAt: Date;
  priceMinor: number;
  /** The calendar day of the theater: `YYYY-MM-DD`. */
  localDate: string;
};

/** The first and the last day of a movie. */
export type Run = { start_date: string; end_date: string };

export const plannedDays = 14;

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const startStepMs = 5 * minuteMs;
const opening = { hour: 10, minute: 0 };
const lastStart = { hour: 22, minute: 30 };
const matineeEndsHour = 17;
const matineeShare = 0.8;
const matineeStepMinor = 50;
/** The next start is rounded up to five minutes, which adds at most four: 20 to 29 minutes of cleaning. */
const cleaningMinutes = [20, 25] as const;

/** Two weeks of screenings after `now`, by theater and time. The same input gives the same plan. */
export const planScreenings = (
  movies: readonly PlannedMovie[],
  theaters: readonly PlannedTheater[],
  now: Date,
): PlannedScreening[] => {
  if (movies.length === 0) return [];
  // Theaters start at evenly spaced movies, so that one movie is not shown in all of them at once.
  const spread = Math.ceil(movies.length / Math.max(theaters.length, 1));
  return theaters.flatMap((theater, index) =>
    planTheater({ movies, theater, index, firstMovie: index * spread, now }),
  );
};

type TheaterInput = {
  movies: readonly PlannedMovie[];
  theater: PlannedTheater;
  index: number;
  firstMovie: number;
  now: Date;
};

const planTheater = (input: TheaterInput): PlannedScreening[] => {
  const { movies, theater, index, firstMovie, now } = input;
  const zone = theater.time_zone;
  const today = wallTimeAt(now, zone);
  const until = now.getTime() + plannedDays * dayMs;
  const planned: PlannedScreening[] = [];
  let free = Number.NEGATIVE_INFINITY;
  let turn = firstMovie;

  // Today is planned from the opening and its past is dropped, so that the rest of it looks like any
  // other day. The last day ends where the two weeks end.
  for (let day = 0; day <= plannedDays; day += 1) {
    const opens = instantOf(onDay(today, day, opening), zone).getTime();
    const closes = instantOf(onDay(today, day, lastStart), zone).getTime();
    // The last screening of the day before can end after the opening.
    let start = Math.max(opens, free);
    while (start <= closes) {
      const movieIndex = turn % movies.length;
      const movie = movies[movieIndex];
      if (!movie) break;
      const end = start + movie.duration_minutes * minuteMs;
      if (start > now.getTime() && start <= until) {
        planned.push(screening({ movie, movieIndex, theater, index, start, end }));
      }
      free = nextStart(end, turn);
      start = free;
      turn += 1;
    }
  }
  return planned;
};

const onDay = (
  today: WallTime,
  daysLater: number,
  time: { hour: number; minute: number },
): WallTime => ({ year: today.year, month: today.month, day: today.day + daysLater, ...time });

const nextStart = (end: number, turn: number): number => {
  const cleaning = cleaningMinutes[turn % 2 === 0 ? 0 : 1];
  // Every offset in use is a multiple of 15 minutes, so a rounded instant is a rounded wall time too.
  return Math.ceil((end + cleaning * minuteMs) / startStepMs) * startStepMs;
};

type SlotInput = {
  movie: PlannedMovie;
  movieIndex: number;
  theater: PlannedTheater;
  index: number;
  start: number;
  end: number;
};

const screening = (slot: SlotInput): PlannedScreening => {
  const startsAt = new Date(slot.start);
  const zone = slot.theater.time_zone;
  const isMatinee = wallTimeAt(startsAt, zone).hour < matineeEndsHour;
  return {
    movie: slot.movieIndex,
    theater: slot.index,
    startsAt,
    endsAt: new Date(slot.end),
    priceMinor: isMatinee ? matineePrice(slot.movie.price_minor) : slot.movie.price_minor,
    localDate: localDateAt(startsAt, zone),
  };
};

/** A fifth less, rounded to 50 minor units, never above the full price. */
export const matineePrice = (priceMinor: number): number => {
  const rounded = Math.round((priceMinor * matineeShare) / matineeStepMinor);
  return Math.min(priceMinor, rounded * matineeStepMinor);
};

/** The first and the last planned day of each movie, by position. A movie without screenings has none. */
export const runsOf = (screenings: readonly PlannedScreening[]): Map<number, Run> => {
  const runs = new Map<number, Run>();
  for (const { movie, localDate } of screenings) {
    const run = runs.get(movie);
    runs.set(movie, {
      start_date: run && run.start_date < localDate ? run.start_date : localDate,
      end_date: run && run.end_date > localDate ? run.end_date : localDate,
    });
  }
  return runs;
};

/** The run of a movie that the plan has no room for: the days that are planned, in UTC. */
export const plannedRun = (now: Date): Run => ({
  start_date: localDateAt(now, 'UTC'),
  end_date: localDateAt(new Date(now.getTime() + plannedDays * dayMs), 'UTC'),
});
