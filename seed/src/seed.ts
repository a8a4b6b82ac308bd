import { makeDatabase, type Queryable } from '@movie-ticketing/kit/database';
import { makeLogger } from '@movie-ticketing/kit/logging';

import { demoSignIns, type SignIn } from './demo-users.ts';
import { loadCatalog, type Catalog } from './load-catalog.ts';
import { makeProgress, type Progress } from './progress.ts';
import { readSeedFiles } from './seed-files.ts';
import { makeSeedRepository, type NewUser } from './seed.repository.ts';

export type SeedOptions = {
  /** A login of the role mt_seed, or one that can set it. */
  databaseUrl: string;
  mode: 'demo' | 'folder' | 'none';
  /** For mode `folder`: has movies.json and theaters.json in the format of seed/data. */
  folder?: string;
  /** ISO 4217, for the prices of movies and screenings. */
  currency: string;
  now?: Date;
  hashPassword: (password: string) => Promise<string>;
  log?: (message: string) => void;
  /** Progress is logged at most this often. */
  progressMs?: number;
};

export type SeedResult = {
  /** False where an earlier run, or another at the same time, has loaded the data. */
  seeded: boolean;
  signIns: SignIn[];
};

const progressMs = 2_000;

/**
 * Loads the seed data once, in one transaction. Mode `none` loads nothing.
 * @throws SeedFileError, Problem where the database is unavailable
 */
export const seed = async (options: SeedOptions): Promise<SeedResult> => {
  const { mode } = options;
  if (mode === 'none') return { seeded: false, signIns: [] };
  const db = makeDatabase({
    url: options.databaseUrl,
    role: 'mt_seed',
    poolSize: 1,
    logger: makeLogger({ service: 'seed', level: 'silent' }),
    applicationName: 'movie-ticketing-seed',
  });
  try {
    const log = options.log ?? (() => undefined);
    // The demo users have public passwords, so that only the demo has users.
    const signIns = mode === 'demo' ? demoSignIns.map((signIn) => ({ ...signIn })) : [];
    if (await makeSeedRepository(db).isSeeded(mode)) {
      log('Seed data already loaded.');
      return { seeded: false, signIns };
    }
    const catalog: Catalog = {
      files: await readSeedFiles(options.currency, mode === 'demo' ? undefined : options.folder),
      currency: options.currency,
      now: options.now ?? new Date(),
    };
    const users = await newUsers(signIns, options.hashPassword);
    const progress = makeProgress(log, options.progressMs ?? progressMs);
    const summary = await db.transaction((tx) => load(tx, mode, { catalog, users, progress }));
    log(summary ?? 'Seed data already loaded.');
    return { seeded: summary !== undefined, signIns };
  } finally {
    await db.close();
  }
};

type Load = { catalog: Catalog; users: readonly NewUser[]; progress: Progress };

/** @returns what was loaded, or undefined where another seed was first */
const load = async (
  tx: Queryable,
  mode: string,
  { catalog, users, progress }: Load,
): Promise<string | undefined> => {
  const repository = makeSeedRepository(tx);
  await repository.lock();
  if (await repository.isSeeded(mode)) return undefined;
  const loaded = await loadCatalog(tx, catalog, progress);
  await repository.insertUsers(users);
  // Last, so that a failure before it leaves the seed to be loaded again.
  await repository.markSeeded(mode);
  return `Seed data loaded: ${loaded}, ${String(users.length)} users.`;
};

const newUsers = (
  signIns: readonly SignIn[],
  hashPassword: SeedOptions['hashPassword'],
): Promise<NewUser[]> =>
  Promise.all(
    signIns.map(async ({ email, role, password }) => ({
      email,
      role,
      password_hash: await hashPassword(password),
    })),
  );
