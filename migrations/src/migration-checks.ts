import { MigrationError } from './migration-error.ts';
import type { MigrationFile } from './migration-files.ts';

const list = (names: string[]): string => names.map((name) => `${name}.sql`).join(', ');

/**
 * Whether these files may be run on a database that has these migrations: what was applied must be
 * the beginning of the files, unchanged. Throws where it is not.
 */
export function assertSameHistory(
  files: MigrationFile[],
  applied: string[],
  checksums: Map<string, string>,
): void {
  const known = new Set(files.map(({ name }) => name));
  const unknown = applied.filter((name) => !known.has(name));
  const newest = files.at(-1)?.name ?? '';
  if (unknown.some((name) => name > newest)) {
    throw new MigrationError(
      `The database is ahead of this program: it has ${list(unknown)}, and this program's newest is ${newest === '' ? 'none' : `${newest}.sql`}. Run the newer release, or take the database back with the newer release's "npm run migrate -- down ${String(unknown.length)}".`,
      undefined,
      'database-ahead',
    );
  }
  if (unknown.length > 0) {
    throw new MigrationError(
      `The database has ${list(unknown)}, and the file is gone. Restore the file from git: an applied migration is undone by a new one, not by deleting it.`,
    );
  }
  const edited = files.filter(
    ({ name, checksum }) =>
      applied.includes(name) && checksums.has(name) && checksums.get(name) !== checksum,
  );
  if (edited.length > 0) {
    throw new MigrationError(
      `${list(edited.map(({ name }) => name))} was edited after it had been applied to this database. Restore the file from git and put the change into a new migration.`,
    );
  }
  const newestApplied = [...applied].sort().at(-1) ?? '';
  const late = files.filter(({ name }) => !applied.includes(name) && name < newestApplied);
  if (late.length > 0) {
    throw new MigrationError(
      `${list(late.map(({ name }) => name))} comes too late: ${newestApplied}.sql, which is newer, is already applied. Rename it so that it comes last.`,
    );
  }
}
