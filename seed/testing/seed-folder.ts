import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for SEED_DIR with one movie and one theater. */
export type SeedFolder = {
  path: string;
  write: (file: 'movies.json' | 'theaters.json', content: unknown) => void;
  remove: () => void;
};

export const movie = {
  title: 'Ran',
  description: '',
  duration_minutes: 162,
  price_minor: 1_200,
};

export const theater = {
  name: 'Rex',
  location: 'Lyon',
  time_zone: 'Europe/Paris',
  total_seats: 50,
};

/** Content that is a string or bytes is written as it is, anything else as JSON. */
export const makeSeedFolder = (): SeedFolder => {
  const path = mkdtempSync(join(tmpdir(), 'seed-'));
  const write: SeedFolder['write'] = (file, content) => {
    const isRaw = typeof content === 'string' || content instanceof Uint8Array;
    writeFileSync(join(path, file), isRaw ? content : JSON.stringify(content, null, 2));
  };
  write('movies.json', [movie]);
  write('theaters.json', [theater]);
  return {
    path,
    write,
    remove: () => {
      rmSync(path, { recursive: true });
    },
  };
};
