import { instantOf, localDateAt, wallTimeAt, type WallTime } from '@movie-ticketing/kit/wall-time';

/** A film as it stands in data/movies.json; prices are in minor units of the configured currency. */
export interface DemoMovie {
  title: string;
  description: string;
  duration_minutes: number;
  price_minor: number;
}

/** A hall as it stands in data/theaters.json: it shows one film at a time. */
export interface DemoTheater {
  name: string;
  location: string;
  time_zone: string;
  total_seats: number;
}

export interface PlannedScreening {
  /** Positions in the lists given to planScreenings. */
  movie: number;
  theater: number;
  startsAt: Date;
  endsAt: Date;
  priceMinor: number;
  /** The hall's own calendar day, YYYY-MM-DD. */
  localDate: string;
}

export interface Run {
  startDate: string;
  endDate: string;
}

export const PLANNED_DAYS = 14;

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const START_STEP_MS = 5 * MINUTE_MS;
const OPENING = { hour: 10, minute: 0 };
const LAST_START = { hour: 22, minute: 30 };
const MATINEE_ENDS_HOUR = 17;
const MATINEE_SHARE = 0.8;
const MATINEE_STEP_MINOR = 50;
/** Rounding the next start up to five minutes adds at most four, so cleaning is 20 to 29 minutes. */
const CLEANING_MINUTES = [20, 25] as const;

/** Two weeks of screenings after `now`, hall by hall in order of time. The same input, the same plan. */
export function planScreenings(
  movies: readonly DemoMovie[],
  theaters: readonly DemoTheater[],
  now: Date,
): PlannedScreening[] {
  if (movies.length === 0) return [];
  // Halls enter the rotation at evenly spread places, so that one film does not play everywhere.
  const spread = Math.ceil(movies.length / Math.max(theaters.length, 1));
  return theaters.flatMap((theater, index) =>
    planHall({ movies, theater, index, firstMovie: index * spread, now }),
  );
}

interface HallInput {
  movies: readonly DemoMovie[];
  theater: DemoTheater;
  index: number;
  firstMovie: number;
  now: Date;
}

function planHall({ movies, theater, index, firstMovie, now }: HallInput): PlannedScreening[] {
  const zone = theater.time_zone;
  const today = wallTimeAt(now, zone);
  const until = now.getTime() + PLANNED_DAYS * DAY_MS;
  const planned: PlannedScreening[] = [];
  let free = Number.NEGATIVE_INFINITY;
  let turn = firstMovie;

  // Today's programme is laid out from the morning and its past cut off, so that the hours left
  // look like an ordinary day; the last day is cut where two weeks end.
  for (let day = 0; day <= PLANNED_DAYS; day += 1) {
    const opening = instantOf(onDay(today, day, OPENING), zone).getTime();
    const lastStart = instantOf(onDay(today, day, LAST_START), zone).getTime();
    // The night's last film may run into the next day.
    let start = Math.max(opening, free);
    while (start <= lastStart) {
      const movieIndex = turn % movies.length;
      const movie = movies[movieIndex];
      if (!movie) break;
      const end = start + movie.duration_minutes * MINUTE_MS;
      if (start > now.getTime() && start <= until) {
        planned.push(screening({ movie, movieIndex, theater, index, start, end }));
      }
      free = nextStart(end, turn);
      start = free;
      turn += 1;
    }
  }
  return planned;
}

function onDay(
  today: WallTime,
  daysLater: number,
  time: { hour: number; minute: number },
): WallTime {
  return { year: today.year, month: today.month, day: today.day + daysLater, ...time };
}

function nextStart(end: number, turn: number): number {
  const cleaning = CLEANING_MINUTES[turn % 2 === 0 ? 0 : 1];
  // Every zone in use is a multiple of 15 minutes from UTC, so rounding the instant rounds the
  // clock on the wall too.
  return Math.ceil((end + cleaning * MINUTE_MS) / START_STEP_MS) * START_STEP_MS;
}

interface SlotInput {
  movie: DemoMovie;
  movieIndex: number;
  theater: DemoTheater;
  index: number;
  start: number;
  end: number;
}

function screening(slot: SlotInput): PlannedScreening {
  const startsAt = new Date(slot.start);
  const zone = slot.theater.time_zone;
  const isMatinee = wallTimeAt(startsAt, zone).hour < MATINEE_ENDS_HOUR;
  return {
    movie: slot.movieIndex,
    theater: slot.index,
    startsAt,
    endsAt: new Date(slot.end),
    priceMinor: isMatinee ? matineePrice(slot.movie.price_minor) : slot.movie.price_minor,
    localDate: localDateAt(startsAt, zone),
  };
}

/** A fifth off, rounded to 50 minor units, never above the full price. */
export function matineePrice(priceMinor: number): number {
  const rounded = Math.round((priceMinor * MATINEE_SHARE) / MATINEE_STEP_MINOR);
  return Math.min(priceMinor, rounded * MATINEE_STEP_MINOR);
}

/** First and last local day of each film, by position; a film that is not planned has no entry. */
export function runsOf(screenings: readonly PlannedScreening[]): Map<number, Run> {
  const runs = new Map<number, Run>();
  for (const { movie, localDate } of screenings) {
    const run = runs.get(movie);
    runs.set(movie, {
      startDate: run && run.startDate < localDate ? run.startDate : localDate,
      endDate: run && run.endDate > localDate ? run.endDate : localDate,
    });
  }
  return runs;
}
