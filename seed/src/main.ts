import { writeFileSync } from 'node:fs';

import {
  ConfigError,
  environmentFields,
  parseEnvironment,
  serverEnvironment,
} from '@movie-ticketing/kit/config';
import {
  databaseEnvironment,
  requiredDatabaseUrl,
} from '@movie-ticketing/kit/database-environment';
import { Problem } from '@movie-ticketing/kit/problems';
import { codeOf, sqlstate } from '@movie-ticketing/kit/sqlstate';
import bcrypt from 'bcrypt';
import { z } from 'zod';

import { SeedFileError } from './seed-file-error.ts';
import { seed } from './seed.ts';

const failed = 1;
const badInput = 2;

const environment = databaseEnvironment.extend({
  SEED: environmentFields.oneOf(['demo', 'folder', 'none'], 'demo'),
  SEED_DIR: z.string().optional(),
  CURRENCY: serverEnvironment.shape.CURRENCY,
  BCRYPT_COST: environmentFields.integer(4, 20, 10),
});

/** Kubernetes shows this message in the pod's status. */
const writeTerminationMessage = (message: string): void => {
  const file = process.env['TERMINATION_MESSAGE_FILE'] ?? '';
  if (file !== '') writeFileSync(file, message);
};

// The first process of a container receives only the signals that it listens to. PostgreSQL rolls the
// open transaction back.
for (const [signal, code] of [
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const) {
  process.once(signal, () => process.exit(code));
}

const main = async (): Promise<void> => {
  const env = parseEnvironment(environment, process.env);
  if (env.SEED === 'folder' && env.SEED_DIR === undefined) {
    throw new ConfigError(
      'SEED_DIR is not set. Set it to the folder of movies.json and theaters.json.',
    );
  }
  const { seeded, signIns } = await seed({
    databaseUrl: requiredDatabaseUrl(env),
    mode: env.SEED,
    ...(env.SEED_DIR === undefined ? {} : { folder: env.SEED_DIR }),
    currency: env.CURRENCY,
    hashPassword: (password) => bcrypt.hash(password, env.BCRYPT_COST),
    log: (message) => {
      console.log(message);
    },
  });
  // Only the run that created the users prints their passwords: later they may have been changed.
  if (!seeded) return;
  for (const { email, password, role } of signIns) console.log(`${role}: ${email} / ${password}`);
};

/** The message of the error that the database or the connection reported. No stack and no statement. */
const describe = (error: unknown): string => {
  const reason = error instanceof Problem ? (error.cause ?? error) : error;
  const message = reason instanceof Error ? reason.message : '';
  const hint = codeOf(reason) === sqlstate.undefinedTable ? '. Run the migrations first.' : '';
  return `${message === '' ? (codeOf(reason) ?? 'unknown error') : message}${hint}`;
};

try {
  await main();
} catch (error) {
  const isBadInput = error instanceof SeedFileError || error instanceof ConfigError;
  const message = isBadInput ? error.message : `Seeding failed: ${describe(error)}`;
  console.error(message);
  writeTerminationMessage(message);
  process.exitCode = isBadInput ? badInput : failed;
}
