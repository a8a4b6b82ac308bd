import { spawnSync, type SpawnOptions } from 'node:child_process';
import { chmodSync, chownSync, lchownSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EmbeddedPostgresError } from './errors.ts';

/** nobody, by number: Postgres refuses to run as root, and not every image has a passwd file. */
const UNPRIVILEGED = 65_534;

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const SETPRIV_CAPABILITY = '-all,+dac_read_search';

export type Account = {
  /** Whose files these must be; null: we are no root and all runs as ourselves. */
  owner: { uid: number; gid: number } | null;
  /** The data folder lies below a folder that the owner may not enter. */
  throughSetpriv: boolean;
};

export type Command = { file: string; args: string[]; options: SpawnOptions };

function mayEnter(directory: string, owner: { uid: number; gid: number }): boolean {
  const found = statSync(directory);
  if (found.uid === owner.uid) return (found.mode & 0o100) !== 0;
  if (found.gid === owner.gid) return (found.mode & 0o010) !== 0;
  return (found.mode & 0o001) !== 0;
}

/** Whether every folder from the root down to this one may be entered. */
export function reachable(directory: string, owner: { uid: number; gid: number }): boolean {
  let current = realpathSync(directory);
  for (;;) {
    if (!mayEnter(current, owner)) return false;
    const parent = dirname(current);
    if (parent === current) return true;
    current = parent;
  }
}

function ownerOf(clusterDir: string): { uid: number; gid: number } | null {
  const found = statSync(clusterDir, { throwIfNoEntry: false });
  return found === undefined ? null : { uid: found.uid, gid: found.gid };
}

/** Decides as whom Postgres runs on this cluster, which may not exist yet. */
export function chooseAccount(dataDir: string, clusterDir: string): Account {
  const self = process.getuid?.();
  const existing = ownerOf(clusterDir);
  if (self === undefined) return { owner: null, throughSetpriv: false };
  if (self !== 0) {
    if (existing !== null && existing.uid !== self) {
      throw new EmbeddedPostgresError(
        'unreachable',
        `${clusterDir} belongs to user ${String(existing.uid)}, and this is user ${String(self)}. Start as the user who made it, or as root, or set DATA_DIR to another folder.`,
      );
    }
    return { owner: null, throughSetpriv: false };
  }
  // A folder made by a normal user keeps its owner, so that this user can start it again.
  const owner =
    existing !== null && existing.uid !== 0 ? existing : { uid: UNPRIVILEGED, gid: UNPRIVILEGED };
  return { owner, throughSetpriv: !reachable(dataDir, owner) };
}

/** How to start one of Postgres' programs as that account, in a session of its own. */
export function commandAs(account: Account, program: string, args: string[]): Command {
  // Its own session: else Ctrl-C at the terminal reaches Postgres before we have drained.
  const options: SpawnOptions = {
    cwd: '/',
    detached: true,
    // No PG* or LC_* variables of the parent process: PGDATA, PGPORT, LC_* and their kin would change the outcome.
    ...(process.platform === 'win32' ? {} : { env: { PATH, LC_ALL: 'C', TZ: 'UTC' } }),
  };
  if (account.owner === null) return { file: program, args, options };
  const { uid, gid } = account.owner;
  if (!account.throughSetpriv) return { file: program, args, options: { ...options, uid, gid } };
  const drop = [
    `--reuid=${String(uid)}`,
    `--regid=${String(gid)}`,
    '--clear-groups',
    `--inh-caps=${SETPRIV_CAPABILITY}`,
    `--ambient-caps=${SETPRIV_CAPABILITY}`,
  ];
  return { file: 'setpriv', args: [...drop, program, ...args], options };
}

/** setpriv, or the capability it hands on, may be missing (containers): say so before initdb does. */
export function assertRunnable(account: Account, program: string, dataDir: string): void {
  const { file, args, options } = commandAs(account, program, ['--version']);
  const tried = spawnSync(file, args, { ...options, encoding: 'utf8' });
  if (tried.status === 0) return;
  const said = tried.error?.message ?? tried.stderr.trim();
  if (account.throughSetpriv) {
    throw new EmbeddedPostgresError(
      'unreachable',
      `The data folder ${dataDir} lies below a folder that only root may enter, and Postgres does not run as root (tried through setpriv: ${said}). Set DATA_DIR to a folder that every user can reach, such as /var/lib/movie-ticketing, or start as a normal user.`,
    );
  }
  throw new EmbeddedPostgresError(
    'unsupported',
    `The PostgreSQL that comes with this program does not run on this machine (${said}); it needs glibc on Linux. Set DATABASE_URL to a PostgreSQL 17 of your own.`,
  );
}

/** A folder restored from a backup by root belongs to root: hand it to the account again. */
export function takeOwnership(directory: string, owner: { uid: number; gid: number }): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) takeOwnership(path, owner);
    else lchownSync(path, owner.uid, owner.gid);
  }
  chownSync(directory, owner.uid, owner.gid);
  chmodSync(directory, 0o700);
}
