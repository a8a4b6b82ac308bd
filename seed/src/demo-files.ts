import { readFile } from 'node:fs/promises';

import { z } from 'zod';

import type { DemoMovie, DemoTheater } from './demo-data.ts';

const movies = z.array(
  z.strictObject({
    title: z.string().min(1),
    description: z.string(),
    duration_minutes: z.int().positive(),
    price_minor: z.int().nonnegative(),
  }),
);

const theaters = z.array(
  z.strictObject({
    name: z.string().min(1),
    location: z.string().min(1),
    time_zone: z.string().min(1),
    total_seats: z.int().positive(),
  }),
);

async function readData(file: string): Promise<unknown> {
  return JSON.parse(await readFile(new URL(`../data/${file}`, import.meta.url), 'utf8'));
}

export async function readDemoFiles(): Promise<{ movies: DemoMovie[]; theaters: DemoTheater[] }> {
  return {
    movies: movies.parse(await readData('movies.json')),
    theaters: theaters.parse(await readData('theaters.json')),
  };
}
