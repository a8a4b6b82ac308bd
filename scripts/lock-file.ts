import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Checks package-lock.json, and with --fix completes it:
 * - `npm ci` refuses a lock file that lacks an optional package of another platform. npm leaves those
 *   out that the registry at hand did not carry at that time.
 * - An entry without an integrity hash is installed unverified.
 */

type Entry = {
  version?: string;
  link?: boolean;
  dev?: boolean;
  integrity?: string;
  optionalDependencies?: Record<string, string>;
};

const file = join(import.meta.dirname, '../package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, Entry> };

const systems = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const processors = [
  'arm',
  'arm64',
  'ia32',
  'loong64',
  'ppc64',
  'riscv64',
  's390x',
  'wasm32',
  'x64',
];

type Missing = { name: string; version: string; dev: boolean | undefined };

const missingPackages = (): Missing[] =>
  Object.entries(lock.packages).flatMap(([parent, { dev, optionalDependencies }]) =>
    Object.entries(optionalDependencies ?? {})
      .filter(
        ([name]) =>
          lock.packages[`node_modules/${name}`] === undefined &&
          lock.packages[`${parent}/node_modules/${name}`] === undefined,
      )
      .map(([name, version]) => ({ name, version, dev })),
  );

/** The platform is read from the package's name, for its manifest may be out of reach. */
const entryOf = ({ name, version, dev }: Missing): Entry => {
  const words = (name.split('/').at(-1) ?? name).split('-');
  const os = words.find((word) => systems.includes(word));
  const cpu = words.find((word) => processors.includes(word));
  if (os === undefined || cpu === undefined || !/^\d/.test(version)) {
    throw new Error(`cannot tell the platform of ${name}@${version}: add it to package-lock.json`);
  }
  const libc = words.some((word) => word.startsWith('musl')) ? 'musl' : 'glibc';
  return {
    version,
    cpu: [cpu],
    ...(dev === true ? { dev } : {}),
    ...(os === 'linux' ? { libc: [libc] } : {}),
    optional: true,
    os: [os],
  } as Entry;
};

const withoutIntegrity = (): { path: string; name: string; version: string }[] =>
  Object.entries(lock.packages)
    .filter(
      ([path, { link, integrity }]) =>
        path.includes('node_modules/') && link !== true && integrity === undefined,
    )
    .map(([path, { version = '' }]) => ({
      path,
      name: path.split('node_modules/').at(-1) ?? '',
      version,
    }));

const integrityFromRegistry = (name: string, version: string): string | undefined => {
  const { stdout } = spawnSync('npm', ['view', `${name}@${version}`, 'dist.integrity', '--json'], {
    encoding: 'utf8',
  });
  const integrity: unknown = stdout.trim().startsWith('"sha512-') ? JSON.parse(stdout) : undefined;
  return typeof integrity === 'string' ? integrity : undefined;
};

/** As npm writes it: `integrity` follows `version`. */
const addIntegrity = (entry: Entry, integrity: string): Entry => {
  const { version, ...rest } = entry;
  return { ...(version === undefined ? {} : { version }), integrity, ...rest };
};

const complete = (): void => {
  const added = missingPackages();
  for (const missing of added) lock.packages[`node_modules/${missing.name}`] = entryOf(missing);
  const unverified = withoutIntegrity();
  for (const { path, name, version } of unverified) {
    const integrity = integrityFromRegistry(name, version);
    if (integrity !== undefined)
      lock.packages[path] = addIntegrity(lock.packages[path] ?? {}, integrity);
  }
  const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
  const completed = { ...lock, packages: Object.fromEntries(sorted) };
  writeFileSync(file, `${JSON.stringify(completed, null, 2)}\n`);
  const hashed = unverified.length - withoutIntegrity().length;
  console.log(
    `package-lock.json: added ${String(added.length)} packages of other platforms and ${String(hashed)} integrity hashes`,
  );
};

const fail = (problem: string, names: string[]): void => {
  console.error(`package-lock.json: ${problem}: ${names.join(', ')}`);
  console.error('Run: npm run lock');
  process.exitCode = 1;
};

if (process.argv.includes('--fix')) complete();
const missing = missingPackages().map(({ name }) => name);
if (missing.length > 0) fail('packages of other platforms are missing', missing);
const unverified = withoutIntegrity().map(({ name, version }) => `${name}@${version}`);
if (unverified.length > 0) fail('packages have no integrity hash', unverified);
