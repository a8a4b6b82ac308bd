import { statfsSync } from 'node:fs';

export type EmbeddedPostgresErrorCode =
  'locked' | 'version' | 'unreachable' | 'unsupported' | 'failed';

/** The message ends with what to do next; it is meant to be printed as it is. */
export class EmbeddedPostgresError extends Error {
  readonly code: EmbeddedPostgresErrorCode;

  constructor(code: EmbeddedPostgresErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'EmbeddedPostgresError';
    this.code = code;
  }
}

function errnoOf(error: unknown): string | undefined {
  // Not instanceof Error: under jest Node's own errors come from another realm.
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

const UNREACHABLE = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ELOOP']);
const DISK_FULL = new Set(['ENOSPC', 'EDQUOT']);

export function diskFull(dataDir: string, cause?: unknown): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'failed',
    `The disk under ${dataDir} is full. Free at least 200 MB there, or set DATA_DIR to a folder on another disk, then start again: nothing that was confirmed is lost.`,
    cause,
  );
}

function unreachable(dataDir: string, reason: string, cause?: unknown): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'unreachable',
    `The data folder ${dataDir} cannot be used (${reason}). Give this user the right to write there, or set DATA_DIR to another folder.`,
    cause,
  );
}

/** File system errors, told as something the person at the keyboard can act on. */
export function fromFileSystem(error: unknown, dataDir: string): unknown {
  const errno = errnoOf(error);
  if (error instanceof EmbeddedPostgresError || errno === undefined) return error;
  if (DISK_FULL.has(errno)) return diskFull(dataDir, error);
  if (UNREACHABLE.has(errno)) return unreachable(dataDir, (error as Error).message, error);
  return error;
}

function isDiskFull(output: string, dataDir: string): boolean {
  if (/No space left on device|Disk quota exceeded|Check free disk space/i.test(output))
    return true;
  // Its log lies on the same disk, so that Postgres may not even have been able to say it.
  const { bavail, bsize } = statfsSync(dataDir);
  return bavail * bsize < 1_000_000;
}

/** A program of Postgres ended with an error: its own words decide which error this is. */
export function fromOutput(
  program: string,
  output: string,
  dataDir: string,
): EmbeddedPostgresError {
  const said = output.trim().split('\n').slice(-12).join('\n');
  if (isDiskFull(output, dataDir)) return diskFull(dataDir, said);
  if (/Permission denied|Read-only file system|has wrong ownership/i.test(output))
    return unreachable(dataDir, said);
  if (/could not look up effective user ID/i.test(output))
    return new EmbeddedPostgresError(
      'unsupported',
      `PostgreSQL does not run as a user without an entry in /etc/passwd (${said}). Start as a user that has one, or set DATABASE_URL to a PostgreSQL 17 of your own.`,
    );
  if (/incompatible with server/i.test(output))
    return new EmbeddedPostgresError('version', `${said}\nSet DATA_DIR to another folder.`);
  return new EmbeddedPostgresError(
    'failed',
    `${program} did not succeed. It said:\n${said === '' ? '(nothing)' : said}\nIf that can be put right, do so and start again; otherwise set DATABASE_URL to a PostgreSQL of your own, or DATA_DIR to an empty folder.`,
  );
}
