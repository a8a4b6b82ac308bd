import process from 'node:process';
import { databaseUrlFrom, SettingError } from './connection.ts';
import { migrate, MigrationError, type MigrateOptions } from './migrate.ts';

const USAGE = `Usage: npm run migrate               apply what is missing
       npm run migrate -- down [n]   undo the last one, or the last n`;

function parseArguments(args: string[]): Pick<MigrateOptions, 'direction' | 'count'> {
  const [direction = 'up', count = '1', ...rest] = args;
  const known = direction === 'down' || (direction === 'up' && args.length < 2);
  if (!known || rest.length > 0 || !/^[1-9]\d{0,3}$/.test(count))
    throw new SettingError(`"${args.join(' ')}"`, `is not understood.\n${USAGE}`);
  return direction === 'down' ? { direction, count: Number(count) } : { direction: 'up' };
}

try {
  const { applied, current } = await migrate({
    ...parseArguments(process.argv.slice(2)),
    databaseUrl: databaseUrlFrom(process.env),
    log: (message) => {
      console.log(message);
    },
  });
  console.log(
    `${applied.length === 0 ? 'Nothing to do' : 'Done'}; the database is at ${current ?? 'no migration'}`,
  );
} catch (error) {
  const expected = error instanceof SettingError || error instanceof MigrationError;
  console.error(expected ? error.message : error);
  process.exitCode = error instanceof SettingError ? 2 : 1;
}
