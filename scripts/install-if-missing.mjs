// Plain JavaScript without dependencies: it runs before anything is installed, on any Node >= 20.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const marker = join(root, 'node_modules', '.installed-lock-hash');
const sha256 = (text) => createHash('sha256').update(text).digest('hex');

const readOrEmpty = (file) => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
};

const lockText = readOrEmpty(join(root, 'package-lock.json'));
const wanted = sha256(lockText);
const isMarked = () => readOrEmpty(marker) === wanted;

const fits = (list, own) =>
  list === undefined ||
  list.includes(own) ||
  (list[0]?.startsWith('!') && !list.includes(`!${own}`));

/** Whether npm's own record of node_modules has all that the lock names for this machine. */
const npmHasInstalled = () => {
  const record = readOrEmpty(join(root, 'node_modules', '.package-lock.json'));
  if (record === '' || lockText === '') return false;
  const installed = JSON.parse(record).packages;
  return Object.entries(JSON.parse(lockText).packages).every(
    ([path, { version, link, optional, os, cpu }]) =>
      link === true ||
      !path.includes('node_modules/') ||
      installed[path]?.version === version ||
      // What is optional may be for another machine (or another libc, which npm alone can tell).
      (optional === true &&
        (installed[path] === undefined || !fits(os, process.platform) || !fits(cpu, process.arch))),
  );
};

/** Links the workspaces that node_modules lacks: a pull that adds one needs no installation. */
const linkWorkspaces = () => {
  for (const [path, { link, resolved }] of Object.entries(JSON.parse(lockText).packages)) {
    const from = join(root, path);
    if (link !== true || existsSync(from)) continue;
    const target = join(root, resolved);
    mkdirSync(dirname(from), { recursive: true });
    // Windows: a junction needs no privilege, but an absolute path.
    const onWindows = process.platform === 'win32';
    symlinkSync(onWindows ? target : relative(dirname(from), target), from, 'junction');
  }
};

const lockFolder = join(tmpdir(), `movie-ticketing-install-${sha256(root).slice(0, 16)}`);

const isHeldByLiving = () => {
  const pid = Number(readOrEmpty(join(lockFolder, 'pid')));
  try {
    // Just made, its pid not yet written: give its maker a moment.
    if (pid === 0) return Date.now() - statSync(lockFolder).mtimeMs < 5_000;
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
};

const sleep = (milliseconds) =>
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);

/** One installation at a time: `npm ci` removes what another would be writing. */
const takeLock = () => {
  let told = false;
  for (;;) {
    try {
      mkdirSync(lockFolder);
      writeFileSync(join(lockFolder, 'pid'), String(process.pid));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (!isHeldByLiving()) {
      rmSync(lockFolder, { recursive: true, force: true });
      continue;
    }
    if (!told) console.error('Another process is installing the packages; waiting for it ...');
    told = true;
    sleep(200);
  }
};

const offline =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|ENOTCACHED/;

const npm = (args) => {
  const shared = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const options = { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 };
  const own = process.env.npm_execpath;
  const { status, error, stdout, stderr } =
    own?.endsWith('.js') === true
      ? spawnSync(process.execPath, [own, ...args, ...shared], options)
      : spawnSync('npm', [...args, ...shared], { ...options, shell: process.platform === 'win32' });
  return {
    succeeded: status === 0,
    output: `${error?.message ?? ''}${stdout ?? ''}${stderr ?? ''}`.trim(),
  };
};

const install = () => {
  console.error('Installing the packages (once, about a minute) ...');
  const started = Date.now();
  let { succeeded, output } = npm(['ci']);
  // Some npm finds the lock file out of step over packages of other platforms: the versions in it
  // hold all the same.
  if (!succeeded && output.includes('EUSAGE'))
    ({ succeeded, output } = npm(['install', '--no-save']));
  if (succeeded) {
    writeFileSync(marker, wanted);
    console.error(`Installed in ${Math.round((Date.now() - started) / 1000)} s.`);
    return;
  }
  console.error(output);
  console.error(
    offline.test(output)
      ? '\nThe packages are not installed and the npm registry cannot be reached. Connect to the network (or set `npm config set registry`), then run this again.'
      : '\nThe packages could not be installed: npm says why above. `npm ci --ignore-scripts` repeats it.',
  );
  process.exitCode = 1;
};

if (!isMarked()) {
  takeLock();
  try {
    if (isMarked()) {
      // The one we waited for has done it.
    } else if (npmHasInstalled()) {
      linkWorkspaces();
      writeFileSync(marker, wanted);
    } else install();
  } finally {
    rmSync(lockFolder, { recursive: true, force: true });
  }
}
