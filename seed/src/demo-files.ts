import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

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

/** What can be put right in the files of SEED_DIR; the message names the file. */
export class SeedFileError extends Error {
  override readonly name = 'SeedFileError';
}

const OWN_FOLDER = fileURLToPath(new URL('../data', import.meta.url));

async function readData<T>(folder: string, file: string, schema: z.ZodType<T>): Promise<T> {
  const path = join(folder, file);
  let data: unknown;
  try {
    data = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new SeedFileError(`${path} cannot be read: ${(error as Error).message}`);
  }
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new SeedFileError(`${path} at ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

/** @param folder with movies.json and theaters.json; the demo's own unless given */
export async function readDemoFiles(
  folder: string = OWN_FOLDER,
): Promise<{ movies: DemoMovie[]; theaters: DemoTheater[] }> {
  return {
    movies: await readData(folder, 'movies.json', movies),
    theaters: await readData(folder, 'theaters.json', theaters),
  };
}
