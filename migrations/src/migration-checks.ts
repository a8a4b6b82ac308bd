import { MigrationError } from './migration-error.ts';
import type { MigrationFile } from './migration-files.ts';

const list = (names: string[]): string => names.map((name) => `${name}.sql`).join(', ');

/**
 * Checks that the applied migrations are the first ones of the files, unchanged.
 * @throws MigrationError
 */
export const assertSameHistory = (
  files: MigrationFile[],
  applied: string[],
  checksums: Map<string, string>,
): void => {
  assertKnown(files, applied);
  const edited = files.filter(
    ({ name, checksum }) =>
      applied.includes(name) && checksums.has(name) && checksums.get(name) !== checksum,
  );
  if (edited.length > 0) {
    const names = list(edited.map(({ name }) => name));
    throw new MigrationError(
      `${names} was edited after it was applied to this database. Restore the file from git and put the change into a new migration. If this is a development database whose data you do not need, delete the database instead (npm start: delete the folder .data; Kubernetes: delete the custom resource and its PersistentVolumeClaim) and migrate again.`,
    );
  }
  const newestApplied = [...applied].sort().at(-1) ?? '';
  const late = files.filter(({ name }) => !applied.includes(name) && name < newestApplied);
  if (late.length > 0) {
    const names = list(late.map(({ name }) => name));
    throw new MigrationError(
      `${names} is older than ${newestApplied}.sql, which is already applied. Rename ${names} so that it comes last.`,
    );
  }
};

/** Each applied migration must have its file. */
const assertKnown = (files: MigrationFile[], applied: string[]): void => {
  const known = new Set(files.map(({ name }) => name));
  const unknown = applied.filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  const newest = files.at(-1)?.name ?? '';
  if (unknown.some((name) => name > newest)) {
    throw new MigrationError(
      `The database is ahead of this program: ${list(unknown)} is applied, and the newest migration of this program is ${newest === '' ? 'none' : `${newest}.sql`}. Run the newer release, or undo the migrations with the newer release's "npm run migrate -- down ${String(unknown.length)}".`,
      undefined,
      'database-ahead',
    );
  }
  throw new MigrationError(
    `${list(unknown)} is applied to the database, but the file is missing. Restore the file from git. To undo an applied migration, add a new one instead of deleting its file.`,
  );
};
