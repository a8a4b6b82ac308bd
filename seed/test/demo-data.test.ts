import { readFileSync } from 'node:fs';

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import {
  matineePrice,
  planScreenings,
  PLANNED_DAYS,
  runsOf,
  type DemoMovie,
  type DemoTheater,
  type PlannedScreening,
} from '../src/demo-data.ts';
import { wallTimeAt } from '@movie-ticketing/kit/wall-time';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

const read = (file: string): unknown =>
  JSON.parse(readFileSync(new URL(`../data/${file}`, import.meta.url), 'utf8'));
const movies = read('movies.json') as DemoMovie[];
const theaters = read('theaters.json') as DemoTheater[];

// Zones that change their clocks by an hour, by half an hour, at midnight, or never.
const zones = [
  'America/New_York',
  'America/Santiago',
  'America/St_Johns',
  'Africa/Cairo',
  'Asia/Kathmandu',
  'Asia/Tokyo',
  'Australia/Lord_Howe',
  'Europe/Berlin',
  'Pacific/Apia',
  'Pacific/Chatham',
];

const anyMovies = fc.array(
  fc.record({
    title: fc.string(),
    description: fc.string(),
    duration_minutes: fc.integer({ min: 40, max: 240 }),
    price_minor: fc.integer({ min: 500, max: 3000 }),
  }),
  { minLength: 1, maxLength: 36 },
);
const anyTheaters = fc.array(
  fc.record({
    name: fc.string(),
    location: fc.string(),
    time_zone: fc.constantFrom(...zones),
    total_seats: fc.integer({ min: 1, max: 2000 }),
  }),
  { minLength: 1, maxLength: 4 },
);
const anyNow = fc.date({
  min: new Date('2020-01-01T00:00:00Z'),
  max: new Date('2040-01-01T00:00:00Z'),
  noInvalidDate: true,
});

type Check = (
  plan: PlannedScreening[],
  films: DemoMovie[],
  halls: DemoTheater[],
  now: Date,
) => void;

function forEveryPlan(check: Check): void {
  fc.assert(
    fc.property(anyMovies, anyTheaters, anyNow, (films, halls, now) => {
      check(planScreenings(films, halls, now), films, halls, now);
    }),
    { numRuns: 60 },
  );
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new Error(`nothing at ${String(index)}`);
  return found;
}

describe('planScreenings', () => {
  test('when any films and halls are planned, then no hall shows two films at once', () => {
    forEveryPlan((plan, _films, halls) => {
      for (const hall of halls.keys()) {
        const own = plan.filter((screening) => screening.theater === hall);
        for (const [index, next] of own.slice(1).entries()) {
          const cleaning = (next.startsAt.getTime() - at(own, index).endsAt.getTime()) / MINUTE_MS;
          expect(cleaning).toBeGreaterThanOrEqual(20);
          const sameDay = next.localDate === at(own, index).localDate;
          if (sameDay) expect(cleaning).toBeLessThan(30);
        }
      }
    });
  });

  test('when any time is now, then screenings lie in the two weeks after it', () => {
    forEveryPlan((plan, _films, _halls, now) => {
      for (const { startsAt } of plan) {
        expect(startsAt.getTime()).toBeGreaterThan(now.getTime());
        expect(startsAt.getTime()).toBeLessThanOrEqual(now.getTime() + PLANNED_DAYS * DAY_MS);
      }
    });
  });

  test('when clocks change, then halls still open at ten and start nothing after half past ten', () => {
    forEveryPlan((plan, films, halls) => {
      for (const screening of plan) {
        const zone = at(halls, screening.theater).time_zone;
        const wall = wallTimeAt(screening.startsAt, zone);
        const minutes = wall.hour * 60 + wall.minute;
        expect(minutes).toBeGreaterThanOrEqual(10 * 60);
        expect(minutes).toBeLessThanOrEqual(22 * 60 + 30);
        expect(minutes % 5).toBe(0);
        const duration = screening.endsAt.getTime() - screening.startsAt.getTime();
        expect(duration / MINUTE_MS).toBe(at(films, screening.movie).duration_minutes);
      }
    });
  });

  test('when every whole day is looked at, then its first film starts at ten', () => {
    forEveryPlan((plan, _films, halls, now) => {
      for (const [hall, { time_zone: zone }] of halls.entries()) {
        const firsts = new Map<string, Date>();
        for (const { theater, localDate, startsAt } of plan) {
          if (theater === hall && !firsts.has(localDate)) firsts.set(localDate, startsAt);
        }
        // Today may have begun; and no film under test runs past ten the next morning.
        const whole = [...firsts.values()].filter(
          (start) => start.getTime() > now.getTime() + DAY_MS,
        );
        expect(whole.length).toBeGreaterThanOrEqual(PLANNED_DAYS - 2);
        for (const start of whole) {
          expect(wallTimeAt(start, zone)).toMatchObject({ hour: 10, minute: 0 });
        }
      }
    });
  });

  test('when up to thirty-six films are planned, then each of them is shown', () => {
    forEveryPlan((plan, films) => {
      expect(new Set(plan.map((screening) => screening.movie)).size).toBe(films.length);
    });
  });

  test('when a film starts before five, then it costs a fifth less, to fifty minor units', () => {
    forEveryPlan((plan, films, halls) => {
      for (const screening of plan) {
        const full = at(films, screening.movie).price_minor;
        const { hour } = wallTimeAt(screening.startsAt, at(halls, screening.theater).time_zone);
        expect(screening.priceMinor).toBe(hour < 17 ? matineePrice(full) : full);
      }
    });
    expect([1000, 1250, 1350, 900].map(matineePrice)).toEqual([800, 1000, 1100, 700]);
  });

  test('when the same now is given twice, then the plan is the same', () => {
    const now = new Date('2026-03-20T12:34:56Z');
    const plan = planScreenings(movies, theaters, now);
    expect(planScreenings(movies, theaters, now)).toEqual(plan);
  });

  test('when there are no films or no halls, then there is no plan', () => {
    const now = new Date('2026-03-20T12:34:56Z');
    expect(planScreenings([], theaters, now)).toEqual([]);
    expect(planScreenings(movies, [], now)).toEqual([]);
  });
});

describe('the demo files', () => {
  test('when they are planned, then every film runs and runsOf gives its first and last day', () => {
    const plan = planScreenings(movies, theaters, new Date('2026-03-20T12:34:56Z'));
    const runs = runsOf(plan);
    expect(runs.size).toBe(movies.length);
    for (const [movie, run] of runs) {
      const days = plan
        .filter((one) => one.movie === movie)
        .map((one) => one.localDate)
        .sort();
      expect(run).toEqual({ startDate: days[0], endDate: days.at(-1) });
    }
  });

  test('when they are read, then they are as large and as varied as the demo promises', () => {
    expect(new Set(movies.map((movie) => movie.title)).size).toBeGreaterThanOrEqual(36);
    expect(theaters).toHaveLength(8);
    expect(new Set(theaters.map((theater) => theater.time_zone)).size).toBeGreaterThanOrEqual(6);
    expect(Math.max(...theaters.map((theater) => theater.total_seats))).toBeGreaterThan(1200);
  });
});
