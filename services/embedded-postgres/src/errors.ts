import { statfsSync } from 'node:fs';

export type EmbeddedPostgresErrorCode =
  'locked' | 'version' | 'unreachable' | 'unsupported' | 'failed';

/** The message is for the user: it says what is wrong and what to do. */
export class EmbeddedPostgresError extends Error {
  readonly code: EmbeddedPostgresErrorCode;

  constructor(code: EmbeddedPostgresErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'EmbeddedPostgresError';
    this.code = code;
  }
}

const errnoOf = (error: unknown): string | undefined => {
  // Not instanceof Error: under jest, Node's own errors belong to another realm.
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
};

const unreachableCodes = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ELOOP']);
const diskFullCodes = new Set(['ENOSPC', 'EDQUOT']);

export const diskFull = (dataDir: string, cause?: unknown): EmbeddedPostgresError => {
  return new EmbeddedPostgresError(
    'failed',
    `The disk under ${dataDir} is full. Free at least 200 MB there, or set DATA_DIR to a folder on another disk, then start again. No confirmed data is lost.`,
    cause,
  );
};

const unreachable = (dataDir: string, reason: string, cause?: unknown): EmbeddedPostgresError => {
  return new EmbeddedPostgresError(
    'unreachable',
    `The data folder ${dataDir} cannot be used (${reason}). Make it writable for this user, or set DATA_DIR to another folder.`,
    cause,
  );
};

/** Turns an error of the file system into one that says what to do. */
export const fromFileSystem = (error: unknown, dataDir: string): unknown => {
  const errno = errnoOf(error);
  if (error instanceof EmbeddedPostgresError || errno === undefined) return error;
  if (diskFullCodes.has(errno)) return diskFull(dataDir, error);
  if (unreachableCodes.has(errno)) return unreachable(dataDir, (error as Error).message, error);
  return error;
};

/** The error for a data folder that cannot be created or opened. Whatever the cause, DATA_DIR is to be changed. */
export const fromDataFolder = (error: unknown, dataDir: string): unknown => {
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  if (diskFullCodes.has(errno)) return diskFull(dataDir, error);
  return unreachable(dataDir, (error as Error).message, error);
};

const isDiskFull = (output: string, dataDir: string): boolean => {
  if (/No space left on device|Disk quota exceeded|Check free disk space/i.test(output))
    return true;
  // The log is on the same disk, so PostgreSQL may have been unable to write the error.
  const { bavail, bsize } = statfsSync(dataDir);
  return bavail * bsize < 1_000_000;
};

/** The error for a program of PostgreSQL that failed, by its output. */
export const fromOutput = (
  program: string,
  output: string,
  dataDir: string,
): EmbeddedPostgresError => {
  const lastLines = output.trim().split('\n').slice(-12).join('\n');
  if (isDiskFull(output, dataDir)) return diskFull(dataDir, lastLines);
  if (/Permission denied|Read-only file system|has wrong ownership/i.test(output))
    return unreachable(dataDir, lastLines);
  if (/could not look up effective user ID/i.test(output))
    return new EmbeddedPostgresError(
      'unsupported',
      `PostgreSQL cannot run as a user without an entry in /etc/passwd (${lastLines}). Start as a user that has one, or set DATABASE_URL to your own PostgreSQL 17.`,
    );
  if (/incompatible with server/i.test(output))
    return new EmbeddedPostgresError('version', `${lastLines}\nSet DATA_DIR to another folder.`);
  return new EmbeddedPostgresError(
    'failed',
    `${program} failed. Its output:\n${lastLines === '' ? '(none)' : lastLines}\nSolve the problem and start again, or set DATABASE_URL to your own PostgreSQL, or DATA_DIR to an empty folder.`,
  );
};
