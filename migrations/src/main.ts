import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { ConfigError, parseEnvironment } from '@movie-ticketing/kit/config';
import {
  databaseEnvironment,
  requiredDatabaseUrl,
} from '@movie-ticketing/kit/database-environment';
import { migrate, MigrationError, type MigrateOptions } from './migrate.ts';

const USAGE = `Usage: npm run migrate               apply what is missing
       npm run migrate -- down [n]   undo the last one, or the last n`;

function parseArguments(args: string[]): Pick<MigrateOptions, 'direction' | 'count'> {
  const [direction = 'up', count = '1', ...rest] = args;
  const known = direction === 'down' || (direction === 'up' && args.length < 2);
  if (!known || rest.length > 0 || !/^[1-9]\d{0,3}$/.test(count))
    throw new ConfigError(`"${args.join(' ')}" is not understood.\n${USAGE}`);
  return direction === 'down' ? { direction, count: Number(count) } : { direction: 'up' };
}

/** Exit codes; 1 is any other failure, 2 a wrong setting. */
const EXIT_CODES = { failed: 1, 'database-ahead': 3, unreachable: 4 } as const;

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
] as const)
  process.once(signal, () => process.exit(code));

try {
  const { applied, current, warning } = await migrate({
    ...parseArguments(process.argv.slice(2)),
    databaseUrl: requiredDatabaseUrl(parseEnvironment(databaseEnvironment, process.env)),
    log: (message) => {
      console.log(message);
    },
  });
  const outcome = `${applied.length === 0 ? 'Nothing to do' : 'Done'}; the database is at ${current ?? 'no migration'}`;
  console.log(outcome);
  // The operator takes the first line for what was done and tells the rest as it is.
  leaveMessage(warning === undefined ? outcome : `${outcome}\n${warning}`);
} catch (error) {
  const expected = error instanceof ConfigError || error instanceof MigrationError;
  console.error(expected ? error.message : error);
  if (expected) leaveMessage(error.message);
  process.exitCode = exitCodeOf(error);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigError) return 2;
  return error instanceof MigrationError ? EXIT_CODES[error.kind] : 1;
}
