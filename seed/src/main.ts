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
import bcrypt from 'bcrypt';
import { z } from 'zod';

import { SeedFileError } from './demo-files.ts';
import { seed } from './seed.ts';

const BAD_CONFIGURATION = 2;

const environment = databaseEnvironment.extend({
  SEED: environmentFields.oneOf(['demo', 'folder', 'none'], 'demo'),
  SEED_DIR: z.string().optional(),
  CURRENCY: serverEnvironment.shape.CURRENCY,
  BCRYPT_COST: environmentFields.integer(4, 20, 10),
});

/** Last words for Kubernetes, which shows them in the pod's status: the file is its to name. */
function leaveMessage(message: string): void {
  const file = process.env['TERMINATION_MESSAGE_FILE'] ?? '';
  if (file !== '') writeFileSync(file, message);
}

// As the first process of a container a program gets no signal that it does not listen to. Postgres
// rolls back what was under way.
for (const [signal, code] of [
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const) {
  process.once(signal, () => process.exit(code));
}

async function main(): Promise<void> {
  const env = parseEnvironment(environment, process.env);
  if (env.SEED === 'folder' && env.SEED_DIR === undefined) {
    throw new ConfigError('SEED_DIR is not set: name the folder of movies.json and theaters.json');
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
  // On the run that made the accounts alone: later their passwords may have been changed.
  if (!seeded) return;
  for (const { email, password, role } of signIns) console.log(`${role}: ${email} / ${password}`);
}

try {
  await main();
} catch (error) {
  if (error instanceof SeedFileError) {
    console.error(error.message);
    leaveMessage(error.message);
    process.exitCode = 1;
  } else if (error instanceof ConfigError) {
    console.error(error.message);
    leaveMessage(error.message);
    process.exitCode = BAD_CONFIGURATION;
  } else {
    console.error('seeding failed:', error);
    leaveMessage(error instanceof Error ? error.message : 'seeding failed');
    process.exitCode = 1;
  }
}
