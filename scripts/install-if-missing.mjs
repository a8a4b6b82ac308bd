// Installs the npm packages if they are missing. Plain JavaScript without dependencies: it runs before
// anything is installed, on any Node >= 20.
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

/** Whether node_modules, by npm's own record, has every package of the lock file for this machine. */
const npmHasInstalled = () => {
  const record = readOrEmpty(join(root, 'node_modules', '.package-lock.json'));
  if (record === '' || lockText === '') return false;
  const installed = JSON.parse(record).packages;
  return Object.entries(JSON.parse(lockText).packages).every(
    ([path, { version, link, optional, os, cpu }]) =>
      link === true ||
      !path.includes('node_modules/') ||
      installed[path]?.version === version ||
      // An optional package may be for another platform (or another libc, which only npm knows).
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
    // Just created, and its pid is not written yet.
    if (pid === 0) return Date.now() - statSync(lockFolder).mtimeMs < 5_000;
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
};

const sleep = (milliseconds) =>
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);

/** One installation at a time: `npm ci` removes files that another one is writing. */
const takeLock = () => {
  let logged = false;
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
    if (!logged)
      console.error('Another process is installing the npm packages; waiting for it ...');
    logged = true;
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
  console.error('Installing the npm packages (once, about a minute) ...');
  const started = Date.now();
  let { succeeded, output } = npm(['ci']);
  // Some versions of npm report the lock file as out of sync because of packages for other platforms.
  // Its versions are installed all the same.
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
      ? '\nThe npm packages are not installed, and the npm registry cannot be reached. Connect to the network, or set another registry with `npm config set registry`, and run the command again.'
      : '\nThe npm packages cannot be installed: see the output of npm above. To try again: npm ci --ignore-scripts',
  );
  process.exitCode = 1;
};

if (!isMarked()) {
  takeLock();
  try {
    if (isMarked()) {
      // The other process has installed them.
    } else if (npmHasInstalled()) {
      linkWorkspaces();
      writeFileSync(marker, wanted);
    } else install();
  } finally {
    rmSync(lockFolder, { recursive: true, force: true });
  }
}

/** npm scripts run the Node of node_modules/.bin, or the one on the path where npm has none for the platform. */
const hasPackagedNode = ['node', 'node.cmd'].some((name) =>
  existsSync(join(root, 'node_modules/.bin', name)),
);
if (!process.exitCode && !hasPackagedNode && Number(process.versions.node.split('.')[0]) < 24) {
  console.error(
    `npm has no Node 24 for ${process.platform}-${process.arch}, and this is Node ${process.versions.node}. Install Node 24 or later, then run the command again.`,
  );
  process.exitCode = 1;
}
