import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { MigrationError } from './migration-error.ts';

export type MigrationFile = {
  /** The file name without `.sql`, as stored in the table pgmigrations. */
  name: string;
  /** SHA-256 in hex, without regard to line endings, which git may rewrite. */
  checksum: string;
};

export const migrationsDirectory = fileURLToPath(new URL('../sql', import.meta.url));

const fileNamePattern = /^\d{4}_[a-z0-9_]+\.sql$/;
const upMarker = /^\s*-- Up Migration\s*$/gm;
const downMarker = /^\s*-- Down Migration\s*$/gm;

const readMigrationFile = (directory: string, fileName: string): MigrationFile => {
  if (!fileNamePattern.test(fileName)) {
    throw new MigrationError(
      `${fileName} in ${directory} does not have a name like 0001_what_it_does.sql. Rename the file: migrations run in the order of their names.`,
    );
  }
  const text = readFileSync(join(directory, fileName), 'utf8').replaceAll('\r\n', '\n');
  // Without a marker node-pg-migrate would run the whole file, the down migration included.
  if (text.match(upMarker)?.length !== 1 || text.match(downMarker)?.length !== 1) {
    throw new MigrationError(
      `${fileName} needs exactly one line "-- Up Migration" and one line "-- Down Migration". Add the missing line.`,
    );
  }
  return {
    name: fileName.replace(/\.sql$/, ''),
    checksum: createHash('sha256').update(text).digest('hex'),
  };
};

/** All migrations of a directory in their order; files that do not end in `.sql` are ignored. */
export const readMigrationFiles = (directory: string): MigrationFile[] => {
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
};

/** The name of the newest migration: a database must have it applied before this code can run on it. */
export const requiredMigration = (directory: string = migrationsDirectory): string => {
  const newest = readMigrationFiles(directory).at(-1);
  if (newest === undefined)
    throw new MigrationError(`${directory} contains no migrations. Install the program again.`);
  return newest.name;
};
