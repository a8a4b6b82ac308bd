import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { movieFields } from '@movie-ticketing/catalog/movies/movies.schema';
import { newResource } from '@movie-ticketing/catalog/request-bodies';
import { newTheater } from '@movie-ticketing/catalog/theaters/theaters.schema';
import { priceAmount } from '@movie-ticketing/kit/fields';
import { plainMessage } from '@movie-ticketing/kit/validation-messages';
import { z } from 'zod';

import { seating, planOfSeating } from './seating.ts';
import { parseJson } from './json-file.ts';
import { SeedFileError } from './seed-file-error.ts';

/** A movie of movies.json: the fields of POST /movies. Its run and currency come from the seed. */
const seedMovie = (currency: string) => {
  const { price, start_date, end_date, description, ...fields } = movieFields(currency);
  return newResource({
    ...fields,
    description: description.default(''),
    price_minor: priceAmount(),
  });
};

export type SeedMovie = z.output<ReturnType<typeof seedMovie>>;

/** A theater of theaters.json: the body of POST /theaters, and its seating where seats are numbered. */
const seedTheater = newTheater
  .safeExtend({ seating: seating.exactOptional() })
  .transform(({ seating: of, ...theater }) => {
    const plan = of && planOfSeating(of);
    return { ...theater, total_seats: plan?.seats.length ?? theater.total_seats, plan };
  });

export type SeedTheater = z.output<typeof seedTheater>;

export type SeedFiles = { movies: SeedMovie[]; theaters: SeedTheater[] };

const demoFolder = fileURLToPath(new URL('../data', import.meta.url));

const maximumIssues = 20;

/** `movies.json[3].title: must ...` */
const linesOf = (file: string, issue: z.core.$ZodIssue): string[] => {
  const place = issue.path
    .map((key) => (typeof key === 'number' ? `[${String(key)}]` : `.${String(key)}`))
    .join('');
  return issue.code === 'unrecognized_keys'
    ? issue.keys.map((key) => `${file}${place}.${key}: is not a known field`)
    : [`${file}${place}: ${issue.message}`];
};

const readEntries = async <Entry>(
  folder: string,
  file: string,
  entry: z.ZodType<Entry>,
): Promise<Entry[]> => {
  const bytes = await readFile(join(folder, file)).catch((error: unknown) => {
    throw new SeedFileError(`${file}: cannot be read: ${(error as Error).message}`);
  });
  const entries = z.array(entry).min(1, 'must have at least one entry');
  const parsed = entries.safeParse(parseJson(file, bytes), { error: plainMessage });
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.flatMap((issue) => linesOf(file, issue));
  const more = lines.length - maximumIssues;
  throw new SeedFileError(
    [
      ...lines.slice(0, maximumIssues),
      ...(more > 0 ? [`and ${String(more)} more errors in ${file}`] : []),
    ].join('\n'),
  );
};

/**
 * Reads movies.json and theaters.json with the schemas of the API.
 * @param folder the demo's own by default
 * @throws SeedFileError
 */
export const readSeedFiles = async (
  currency: string,
  folder: string = demoFolder,
): Promise<SeedFiles> => ({
  movies: await readEntries(folder, 'movies.json', seedMovie(currency)),
  theaters: await readEntries(folder, 'theaters.json', seedTheater),
});
