/** Where backups are kept: a folder (a volume), or a bucket. Names have no folders. */
export type Storage = {
  /** For messages: `the bucket tickets at https://...`. */
  readonly description: string;
  /** Complete or not at all under this name. Bytes are on disk, or acknowledged, when it resolves. */
  upload(name: string, file: string): Promise<void>;
  download(name: string, file: string): Promise<void>;
  write(name: string, text: string): Promise<void>;
  /** Undefined where there is no such name. */
  read(name: string): Promise<string | undefined>;
  list(): Promise<{ name: string; bytes: number }[]>;
  /** Succeeds where there is no such name. */
  remove(name: string): Promise<void>;
};

/** The storage refused or could not be reached. The message says what to do; it holds no credentials. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
}
