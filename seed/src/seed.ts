import { foldText } from '@movie-ticketing/kit/text-folding';
import pg from 'pg';

import { planScreenings, runsOf, type DemoMovie, type DemoTheater } from './demo-data.ts';
import { readDemoFiles, SeedFileError } from './demo-files.ts';
import { DEMO_SIGN_INS, type SignIn } from './demo-users.ts';
import { makeSeedRepository, type NewUser, type Programme } from './seed.repository.ts';

export interface SeedOptions {
  /** A login that may write every table: the one that migrates. */
  databaseUrl: string;
  mode: 'demo' | 'folder' | 'none';
  /** For mode `folder`: holds movies.json and theaters.json, in the form of seed/data. */
  folder?: string;
  /** ISO 4217, for the prices of films and screenings. */
  currency: string;
  now?: Date;
  hashPassword: (password: string) => Promise<string>;
  log?: (message: string) => void;
}

export interface SeedResult {
  /** False when an earlier run, or one at the same time, has done it. */
  seeded: boolean;
  signIns: SignIn[];
}

/** Loads the demo once, in one transaction; `none` touches nothing. Throws what the database does. */
export async function seed(options: SeedOptions): Promise<SeedResult> {
  if (options.mode === 'none') return { seeded: false, signIns: [] };
  const { mode } = options;
  const client = new pg.Client({
    connectionString: options.databaseUrl,
    // pg would wait for ever for a host that does not answer.
    connectionTimeoutMillis: 10_000,
  });
  // A lost connection also rejects the query under way; unheard, the event would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('BEGIN');
    const seeded = await seedOnce(client, mode, options);
    await client.query('COMMIT');
    // The accounts have published passwords: they belong to the demo alone.
    const signIns = mode === 'demo' ? DEMO_SIGN_INS.map((signIn) => ({ ...signIn })) : [];
    return { seeded, signIns };
  } finally {
    // Closing rolls back what was not committed.
    await client.end();
  }
}

async function seedOnce(
  client: pg.Client,
  mode: 'demo' | 'folder',
  options: SeedOptions,
): Promise<boolean> {
  const log = options.log ?? (() => undefined);
  const repository = makeSeedRepository(client);
  await repository.lock();
  if (await repository.isSeeded(mode)) {
    log('the data are already there');
    return false;
  }
  const { movies, theaters } = await readDemoFiles(mode === 'demo' ? undefined : options.folder);
  const programme = programmeOf(movies, theaters, options);
  const screenings = await repository.insertProgramme(programme);
  if (screenings !== programme.screenings.length) {
    throw new SeedFileError('movies.json or theaters.json names a film or a hall twice');
  }
  const accounts = mode === 'demo' ? await newUsers(options.hashPassword) : [];
  await repository.insertUsers(accounts);
  // Last: a mark without its data can't be, whatever fails before.
  await repository.markSeeded(mode);
  log(
    `seeded ${String(programme.movies.length)} films, ${String(theaters.length)} halls, ` +
      `${String(screenings)} screenings and ${String(accounts.length)} accounts`,
  );
  return true;
}

function programmeOf(
  movies: readonly DemoMovie[],
  theaters: readonly DemoTheater[],
  { currency, now = new Date() }: SeedOptions,
): Programme {
  const planned = planScreenings(movies, theaters, now);
  const runs = runsOf(planned);
  return {
    currency,
    theaters,
    movies: movies.flatMap((movie, index) => {
      const run = runs.get(index);
      return run ? [{ ...movie, ...run, title_folded: foldText(movie.title) }] : [];
    }),
    screenings: planned.flatMap(({ movie, theater, startsAt, endsAt, priceMinor }) => {
      const title = movies[movie]?.title;
      const hall = theaters[theater]?.name;
      if (title === undefined || hall === undefined) return [];
      return [{ title, theater: hall, startsAt, endsAt, priceMinor }];
    }),
  };
}

async function newUsers(hashPassword: SeedOptions['hashPassword']): Promise<NewUser[]> {
  return Promise.all(
    DEMO_SIGN_INS.map(async ({ email, role, password }) => ({
      email,
      role,
      password_hash: await hashPassword(password),
    })),
  );
}
