import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MigrationError } from './migration-error.ts';

export type MigrationFile = {
  /** File name without `.sql`: the name that the table pgmigrations keeps. */
  name: string;
  /** SHA-256, hex; line endings do not count, for git may rewrite them. */
  checksum: string;
};

export const MIGRATIONS_DIRECTORY = fileURLToPath(new URL('../sql', import.meta.url));

const FILE_NAME = /^\d{4}_[a-z0-9_]+\.sql$/;
const UP = /^\s*-- Up Migration\s*$/gm;
const DOWN = /^\s*-- Down Migration\s*$/gm;

function readMigrationFile(directory: string, fileName: string): MigrationFile {
  if (!FILE_NAME.test(fileName)) {
    throw new MigrationError(
      `${fileName} in ${directory} is not named like 0001_what_it_does.sql. Rename it: the names are the order.`,
    );
  }
  const text = readFileSync(join(directory, fileName), 'utf8').replaceAll('\r\n', '\n');
  // With no marker node-pg-migrate would run the whole file, its down part included.
  if (text.match(UP)?.length !== 1 || text.match(DOWN)?.length !== 1) {
    throw new MigrationError(
      `${fileName} needs exactly one line "-- Up Migration" and one line "-- Down Migration". Add what is missing.`,
    );
  }
  return {
    name: fileName.replace(/\.sql$/, ''),
    checksum: createHash('sha256').update(text).digest('hex'),
  };
}

/** All of a directory's migrations in order; files that do not end in `.sql` are not looked at. */
export function readMigrationFiles(directory: string): MigrationFile[] {
  const files = readdirSync(directory)
    .filter((fileName) => fileName.endsWith('.sql') && !fileName.startsWith('.'))
    .sort()
    .map((fileName) => readMigrationFile(directory, fileName));
  for (const [index, { name }] of files.entries()) {
    const next = files[index + 1]?.name;
    if (next?.slice(0, 4) === name.slice(0, 4)) {
      throw new MigrationError(
        `${name}.sql and ${next}.sql have the same number. Give the newer one the next free number.`,
      );
    }
  }
  return files;
}

/** The newest migration's name: what a database must have applied for this code to run on it. */
export function requiredMigration(directory: string = MIGRATIONS_DIRECTORY): string {
  const newest = readMigrationFiles(directory).at(-1);
  if (newest === undefined)
    throw new MigrationError(`${directory} holds no migrations. Install the program anew.`);
  return newest.name;
}
