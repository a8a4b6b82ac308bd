/** Decides the exit code, see main.ts. */
export type MigrationErrorKind = 'failed' | 'database-ahead' | 'unreachable';

/** The message names the file or the setting, and says what to do next. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
  readonly kind: MigrationErrorKind;

  constructor(message: string, cause?: unknown, kind: MigrationErrorKind = 'failed') {
    super(message, { cause });
    this.kind = kind;
  }
}
