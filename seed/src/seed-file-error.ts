/** An error in the files of SEED_DIR. The message names the file and the place, one error a line. */
export class SeedFileError extends Error {
  override readonly name = 'SeedFileError';
}
