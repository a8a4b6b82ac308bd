import {
  ConfigError,
  databaseEnvironment,
  environmentFields,
  parseEnvironment,
  requiredDatabaseUrl,
  serverEnvironment,
} from '@movie-ticketing/kit/config';
import bcrypt from 'bcrypt';

import { seed } from './seed.ts';

const BAD_CONFIGURATION = 2;

const environment = databaseEnvironment.extend({
  SEED: environmentFields.oneOf(['demo', 'none'], 'demo'),
  CURRENCY: serverEnvironment.shape.CURRENCY,
  BCRYPT_COST: environmentFields.integer(4, 20, 10),
});

async function main(): Promise<void> {
  const env = parseEnvironment(environment, process.env);
  const { seeded, signIns } = await seed({
    databaseUrl: requiredDatabaseUrl(env),
    mode: env.SEED,
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
  if (error instanceof ConfigError) {
    console.error(error.message);
    process.exitCode = BAD_CONFIGURATION;
  } else {
    console.error('seeding failed:', error);
    process.exitCode = 1;
  }
}
