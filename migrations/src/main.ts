import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { ConfigError, parseEnvironment } from '@movie-ticketing/kit/config';
import {
  databaseEnvironment,
  requiredDatabaseUrl,
} from '@movie-ticketing/kit/database-environment';
import { loginEnvironment, serviceLoginsIn } from './login-environment.ts';
import { migrate, MigrationError, type MigrateOptions } from './migrate.ts';

const usage = `Usage: npm run migrate               apply the pending migrations
       npm run migrate -- down [n]   undo the last migration, or the last n`;

const parseArguments = (args: string[]): Pick<MigrateOptions, 'direction' | 'count'> => {
  const [direction = 'up', count = '1', ...rest] = args;
  const known = direction === 'down' || (direction === 'up' && args.length < 2);
  if (!known || rest.length > 0 || !/^[1-9]\d{0,3}$/.test(count))
    throw new ConfigError(`"${args.join(' ')}" is not a valid command.\n${usage}`);
  return direction === 'down' ? { direction, count: Number(count) } : { direction: 'up' };
};

/** 1 is any other failure, 2 a wrong setting. */
const exitCodes = { failed: 1, 'database-ahead': 3, unreachable: 4 } as const;

const exitCodeOf = (error: unknown): number => {
  if (error instanceof ConfigError) return 2;
  return error instanceof MigrationError ? exitCodes[error.kind] : 1;
};

/** Kubernetes shows the termination message in the pod's status. */
const writeTerminationMessage = (message: string): void => {
  const file = process.env['TERMINATION_MESSAGE_FILE'] ?? '';
  if (file !== '') writeFileSync(file, message);
};

// The first process of a container receives only signals that it handles. PostgreSQL rolls back the open
// transaction.
for (const [signal, code] of [
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)
  process.once(signal, () => process.exit(code));

try {
  const { applied, current, warning } = await migrate({
    ...parseArguments(process.argv.slice(2)),
    databaseUrl: requiredDatabaseUrl(parseEnvironment(databaseEnvironment, process.env)),
    serviceLogins: serviceLoginsIn(parseEnvironment(loginEnvironment, process.env)),
    log: (message) => {
      console.log(message);
    },
  });
  const outcome = `${applied.length === 0 ? 'Nothing to do' : 'Done'}; the database is at ${current ?? 'no migration'}`;
  console.log(outcome);
  // The operator reads the outcome from the first line and reports the rest unchanged.
  writeTerminationMessage(warning === undefined ? outcome : `${outcome}\n${warning}`);
} catch (error) {
  const expected = error instanceof ConfigError || error instanceof MigrationError;
  console.error(expected ? error.message : error);
  if (expected) writeTerminationMessage(error.message);
  process.exitCode = exitCodeOf(error);
}
