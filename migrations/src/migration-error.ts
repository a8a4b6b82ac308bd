/** What it means for whoever runs the program again: see main.ts for the exit codes. */
export type MigrationErrorKind = 'failed' | 'database-ahead' | 'unreachable';

/** The message names the file or the setting, and ends with what to do next. */
export class MigrationError extends Error {
  readonly kind: MigrationErrorKind;

  constructor(message: string, cause?: unknown, kind: MigrationErrorKind = 'failed') {
    super(message, { cause });
    this.name = 'MigrationError';
    this.kind = kind;
  }
}
