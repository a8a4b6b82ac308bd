import { readFileSync } from 'node:fs';

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import {
  matineePrice,
  planScreenings,
  plannedDays,
  runsOf,
  type PlannedMovie,
  type PlannedScreening,
  type PlannedTheater,
} from '../src/screening-plan.ts';
import { wallTimeAt } from '@movie-ticketing/kit/wall-time';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

const read = (file: string): unknown =>
  JSON.parse(readFileSync(new URL(`../data/${file}`, import.meta.url), 'utf8'));
const movies = read('movies.json') as (PlannedMovie & { title: string })[];
const theaters = read('theaters.json') as (PlannedTheater & { total_seats: number })[];

// Zones that change their clocks by an hour, by half an hour, at midnight or never.
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
    duration_minutes: fc.integer({ min: 40, max: 240 }),
    price_minor: fc.integer({ min: 500, max: 3000 }),
  }),
  { minLength: 1, maxLength: 36 },
);
const anyTheaters = fc.array(
  fc.record({
    time_zone: fc.constantFrom(...zones),
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
  shown: PlannedMovie[],
  places: PlannedTheater[],
  now: Date,
) => void;

function forEveryPlan(check: Check): void {
  fc.assert(
    fc.property(anyMovies, anyTheaters, anyNow, (shown, places, now) => {
      check(planScreenings(shown, places, now), shown, places, now);
    }),
    { numRuns: 60 },
  );
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new Error(`no entry ${String(index)}`);
  return found;
}

describe('planScreenings', () => {
  test('no theater shows two movies at once', () => {
    forEveryPlan((plan, _movies, places) => {
      for (const position of places.keys()) {
        const own = plan.filter((screening) => screening.theater === position);
        for (const [index, next] of own.slice(1).entries()) {
          const cleaning = (next.startsAt.getTime() - at(own, index).endsAt.getTime()) / minuteMs;
          expect(cleaning).toBeGreaterThanOrEqual(20);
          const sameDay = next.localDate === at(own, index).localDate;
          if (sameDay) expect(cleaning).toBeLessThan(30);
        }
      }
    });
  });

  test('screenings lie in the two weeks after now', () => {
    forEveryPlan((plan, _movies, _places, now) => {
      for (const { startsAt } of plan) {
        expect(startsAt.getTime()).toBeGreaterThan(now.getTime());
        expect(startsAt.getTime()).toBeLessThanOrEqual(now.getTime() + plannedDays * dayMs);
      }
    });
  });

  test('theaters open at 10:00 and start nothing after 22:30 when clocks change', () => {
    forEveryPlan((plan, shown, places) => {
      for (const screening of plan) {
        const zone = at(places, screening.theater).time_zone;
        const wall = wallTimeAt(screening.startsAt, zone);
        const minutes = wall.hour * 60 + wall.minute;
        expect(minutes).toBeGreaterThanOrEqual(10 * 60);
        expect(minutes).toBeLessThanOrEqual(22 * 60 + 30);
        expect(minutes % 5).toBe(0);
        const duration = screening.endsAt.getTime() - screening.startsAt.getTime();
        expect(duration / minuteMs).toBe(at(shown, screening.movie).duration_minutes);
      }
    });
  });

  test('the first movie of every whole day starts at 10:00', () => {
    forEveryPlan((plan, _movies, places, now) => {
      for (const [position, { time_zone: zone }] of places.entries()) {
        const firsts = new Map<string, Date>();
        for (const { theater, localDate, startsAt } of plan) {
          if (theater === position && !firsts.has(localDate)) firsts.set(localDate, startsAt);
        }
        // Today may be past 10:00, and no movie of this test ends after 10:00 on the next day.
        const whole = [...firsts.values()].filter(
          (start) => start.getTime() > now.getTime() + dayMs,
        );
        expect(whole.length).toBeGreaterThanOrEqual(plannedDays - 2);
        for (const start of whole) {
          expect(wallTimeAt(start, zone)).toMatchObject({ hour: 10, minute: 0 });
        }
      }
    });
  });

  test('shows each of up to 36 movies', () => {
    forEveryPlan((plan, shown) => {
      expect(new Set(plan.map((screening) => screening.movie)).size).toBe(shown.length);
    });
  });

  test('a screening before 17:00 costs a fifth less, rounded to 50 minor units', () => {
    forEveryPlan((plan, shown, places) => {
      for (const screening of plan) {
        const full = at(shown, screening.movie).price_minor;
        const { hour } = wallTimeAt(screening.startsAt, at(places, screening.theater).time_zone);
        expect(screening.priceMinor).toBe(hour < 17 ? matineePrice(full) : full);
      }
    });
    expect([1000, 1250, 1350, 900].map(matineePrice)).toEqual([800, 1000, 1100, 700]);
  });

  test('the same input gives the same plan', () => {
    const now = new Date('2026-03-20T12:34:56Z');
    const plan = planScreenings(movies, theaters, now);
    expect(planScreenings(movies, theaters, now)).toEqual(plan);
  });

  test('is empty without movies or without theaters', () => {
    const now = new Date('2026-03-20T12:34:56Z');
    expect(planScreenings([], theaters, now)).toEqual([]);
    expect(planScreenings(movies, [], now)).toEqual([]);
  });
});

describe('the demo files', () => {
  test('every movie is planned, and runsOf returns its first and last day', () => {
    const plan = planScreenings(movies, theaters, new Date('2026-03-20T12:34:56Z'));
    const runs = runsOf(plan);
    expect(runs.size).toBe(movies.length);
    for (const [movie, run] of runs) {
      const days = plan
        .filter((one) => one.movie === movie)
        .map((one) => one.localDate)
        .sort();
      expect(run).toEqual({ start_date: days[0], end_date: days.at(-1) });
    }
  });

  test('the demo files have 50 movies and 8 theaters in several time zones', () => {
    expect(new Set(movies.map((movie) => movie.title)).size).toBe(50);
    expect(theaters).toHaveLength(8);
    expect(new Set(theaters.map((theater) => theater.time_zone)).size).toBeGreaterThanOrEqual(6);
    expect(Math.max(...theaters.map((theater) => theater.total_seats))).toBeGreaterThan(1200);
  });
});
