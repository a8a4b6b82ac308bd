import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * `npm ci` refuses a lock file that leaves out a package of another platform, and npm leaves out
 * those that the registry of the machine at hand does not carry. This finds them, and with --fix
 * writes them by what their names say (without a hash, which only their registry knows).
 */

type Entry = { version?: string; dev?: boolean; optionalDependencies?: Record<string, string> };

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

const missing = Object.entries(lock.packages).flatMap(([parent, { dev, optionalDependencies }]) =>
  Object.entries(optionalDependencies ?? {})
    .filter(
      ([name]) =>
        lock.packages[`node_modules/${name}`] === undefined &&
        lock.packages[`${parent}/node_modules/${name}`] === undefined,
    )
    .map(([name, version]) => ({ name, version, dev })),
);

const entryOf = (name: string, version: string, dev: boolean | undefined): object => {
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
  };
};

if (process.argv.includes('--fix')) {
  for (const { name, version, dev } of missing) {
    lock.packages[`node_modules/${name}`] = entryOf(name, version, dev);
  }
  const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
  const complete = { ...lock, packages: Object.fromEntries(sorted) };
  writeFileSync(file, `${JSON.stringify(complete, null, 2)}\n`);
  console.log(`added ${String(missing.length)} packages of other platforms`);
} else if (missing.length > 0) {
  const names = missing.map(({ name }) => name).join(', ');
  console.error(`package-lock.json leaves out ${names}\nRun: node scripts/lock-file.ts --fix`);
  process.exitCode = 1;
}
