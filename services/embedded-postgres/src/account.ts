import { spawnSync, type SpawnOptions } from 'node:child_process';
import { chmodSync, chownSync, lchownSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EmbeddedPostgresError } from './errors.ts';

/** The user nobody, by number: PostgreSQL refuses to run as root, and not every image has /etc/passwd. */
const unprivilegedId = 65_534;

const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const setprivCapability = '-all,+dac_read_search';

export type Account = {
  /** The owner of the files. Null: this process is not root, and PostgreSQL runs as the same user. */
  owner: { uid: number; gid: number } | null;
  /** The data folder is below a folder that the owner cannot enter. */
  throughSetpriv: boolean;
};

export type Command = { file: string; args: string[]; options: SpawnOptions };

const mayEnter = (directory: string, owner: { uid: number; gid: number }): boolean => {
  const found = statSync(directory);
  if (found.uid === owner.uid) return (found.mode & 0o100) !== 0;
  if (found.gid === owner.gid) return (found.mode & 0o010) !== 0;
  return (found.mode & 0o001) !== 0;
};

/** Whether the owner can enter every folder from the root down to this one. */
export const reachable = (directory: string, owner: { uid: number; gid: number }): boolean => {
  let current = realpathSync(directory);
  for (;;) {
    if (!mayEnter(current, owner)) return false;
    const parent = dirname(current);
    if (parent === current) return true;
    current = parent;
  }
};

const ownerOf = (clusterDir: string): { uid: number; gid: number } | null => {
  const found = statSync(clusterDir, { throwIfNoEntry: false });
  return found === undefined ? null : { uid: found.uid, gid: found.gid };
};

/** Chooses the user that PostgreSQL runs as on this cluster, which may not exist yet. */
export const chooseAccount = (dataDir: string, clusterDir: string): Account => {
  const self = process.getuid?.();
  const existing = ownerOf(clusterDir);
  if (self === undefined) return { owner: null, throughSetpriv: false };
  if (self !== 0) {
    if (existing !== null && existing.uid !== self) {
      throw new EmbeddedPostgresError(
        'unreachable',
        `${clusterDir} belongs to user ${String(existing.uid)}, and this process runs as user ${String(self)}. Start as the user that created it, or as root, or set DATA_DIR to another folder.`,
      );
    }
    return { owner: null, throughSetpriv: false };
  }
  // A folder that a normal user created keeps its owner, so that this user can start it again.
  const owner =
    existing !== null && existing.uid !== 0
      ? existing
      : { uid: unprivilegedId, gid: unprivilegedId };
  return { owner, throughSetpriv: !reachable(dataDir, owner) };
};

/** How to start a program of PostgreSQL as that account, in its own session. */
export const commandAs = (account: Account, program: string, args: string[]): Command => {
  // Without its own session, Ctrl-C at the terminal would reach PostgreSQL before the requests are done.
  const options: SpawnOptions = {
    cwd: '/',
    detached: true,
    // Variables of the parent process such as PGDATA, PGPORT and LC_* would change the result.
    ...(process.platform === 'win32' ? {} : { env: { PATH: systemPath, LC_ALL: 'C', TZ: 'UTC' } }),
  };
  if (account.owner === null) return { file: program, args, options };
  const { uid, gid } = account.owner;
  if (!account.throughSetpriv) return { file: program, args, options: { ...options, uid, gid } };
  const drop = [
    `--reuid=${String(uid)}`,
    `--regid=${String(gid)}`,
    '--clear-groups',
    `--inh-caps=${setprivCapability}`,
    `--ambient-caps=${setprivCapability}`,
  ];
  return { file: 'setpriv', args: [...drop, program, ...args], options };
};

/** In a container setpriv, or the capability that it passes on, may be missing: report it before initdb fails. */
export const assertRunnable = (account: Account, program: string, dataDir: string): void => {
  const { file, args, options } = commandAs(account, program, ['--version']);
  const tried = spawnSync(file, args, { ...options, encoding: 'utf8' });
  if (tried.status === 0) return;
  const reason = tried.error?.message ?? tried.stderr.trim();
  if (account.throughSetpriv) {
    throw new EmbeddedPostgresError(
      'unreachable',
      `The data folder ${dataDir} is below a folder that only root can enter, and PostgreSQL cannot run as root (setpriv: ${reason}). Set DATA_DIR to a folder that every user can enter, such as /var/lib/movie-ticketing, or start as a normal user.`,
    );
  }
  throw new EmbeddedPostgresError(
    'unsupported',
    `The embedded PostgreSQL does not run on this machine (${reason}). On Linux it needs glibc. Set DATABASE_URL to your own PostgreSQL 17.`,
  );
};

/** A folder that root restored from a backup belongs to root: gives it back to the account. */
export const takeOwnership = (directory: string, owner: { uid: number; gid: number }): void => {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) takeOwnership(path, owner);
    else lchownSync(path, owner.uid, owner.gid);
  }
  chownSync(directory, owner.uid, owner.gid);
  chmodSync(directory, 0o700);
};
