import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { provideBinaries } from '../src/binaries.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../src/embedded-postgres.ts';
import { testIf } from '@movie-ticketing/kit/testing/skippable';
import {
  query,
  remove,
  startInChild,
  temporaryFolder,
  type Said,
} from './embedded-postgres.fixture.ts';

// Any user that is in /etc/passwd and is neither root nor the one that root's Postgres runs as.
const someUser = readFileSync('/etc/passwd', 'utf8')
  .split('\n')
  .map((line) => Number(line.split(':')[2]))
  .find((uid) => uid > 0 && uid < 65_534);
const asUser = (uid: number | undefined): string[] => {
  const id = String(uid);
  return ['setpriv', `--reuid=${id}`, `--regid=${id}`, '--clear-groups', '--'];
};
const isRoot = process.getuid?.() === 0;
const canBecomeUser =
  isRoot &&
  spawnSync('setpriv', [...asUser(someUser).slice(1), process.execPath, '--version']).status === 0;
const smallDisk = join('/tmp', `movie-ticketing-small-disk-${String(process.pid)}`);
const canMount =
  isRoot && spawnSync('sh', ['-c', 'mount -t tmpfs none /mnt && umount /mnt']).status === 0;

const asRoot = testIf(isRoot, 'needs root');
const asUserToo = testIf(canBecomeUser, 'needs root and a node that other users can run');
const withMounts = testIf(canMount, 'needs root that may mount');

let folder: string;
const running: EmbeddedPostgres[] = [];

const start = async (dataDir: string): Promise<EmbeddedPostgres> => {
  const server = await startEmbeddedPostgres({ dataDir, durable: false });
  running.push(server);
  return server;
};

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
  remove(folder);
});

const select1 = (url: string | undefined): Promise<object[]> => query(url, 'select 1 as one');

describe('the user that it runs as', () => {
  asRoot('runs as nobody, who owns the files, when root starts it', async () => {
    await start(join(folder, 'data'));
    expect(statSync(join(folder, 'data', 'postgres')).uid).toBe(65_534);
  });

  asRoot('starts below a folder of root with mode 0700', async () => {
    chmodSync(folder, 0o700);
    const server = await start(join(folder, 'deep', 'data'));
    expect(await select1(server.url)).toEqual([{ one: 1 }]);
    await server.stop();
    expect(await select1((await start(join(folder, 'deep', 'data'))).url)).toEqual([{ one: 1 }]);
  });

  asRoot('starts a folder that root restored from a backup', async () => {
    await (await start(join(folder, 'data'))).stop();
    cpSync(join(folder, 'data'), join(folder, 'restored'), { recursive: true });
    expect(statSync(join(folder, 'restored', 'postgres')).uid).toBe(0); // control
    expect(await select1((await start(join(folder, 'restored'))).url)).toEqual([{ one: 1 }]);
  });

  asUserToo(
    'runs as the normal user that starts it, and root can start it afterwards',
    async () => {
      const uid = someUser ?? 0;
      const dataDir = join(folder, 'data');
      mkdirSync(dataDir);
      chownSync(dataDir, uid, uid);
      const child = startInChild(dataDir, asUser(uid));
      expect(await select1((await child.next()).url)).toEqual([{ one: 1 }]);
      child.process.kill('SIGTERM');
      await child.ended;
      expect(statSync(join(dataDir, 'postgres')).uid).toBe(uid);
      expect(await select1((await start(dataDir)).url)).toEqual([{ one: 1 }]);
      expect(statSync(join(dataDir, 'postgres')).uid).toBe(uid);
    },
  );

  const refused = async (dataDir: string, uid: number | undefined): Promise<Said> => {
    const child = startInChild(dataDir, asUser(uid));
    const said = await child.next();
    await child.ended;
    return said;
  };

  asUserToo('refuses the folder of another user with what to do', async () => {
    mkdirSync(join(folder, 'data'));
    const unreachable = { code: 'unreachable', message: expect.stringContaining('DATA_DIR') };
    expect(await refused(join(folder, 'data'), someUser)).toMatchObject(unreachable);
    expect(await refused(join(folder, 'data', 'new'), someUser)).toMatchObject(unreachable);
  });

  asUserToo('refuses a user without an entry in /etc/passwd', async () => {
    const uid = 54_321;
    chownSync(folder, uid, uid);
    expect(await refused(join(folder, 'data'), uid)).toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('/etc/passwd'),
    });
  });
});

describe('the disk', () => {
  const mounted = async (size: string, work: (dataDir: string) => Promise<void>): Promise<void> => {
    mkdirSync(smallDisk);
    spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=755`, 'none', smallDisk]);
    try {
      await work(join(smallDisk, 'data'));
    } finally {
      await Promise.all(running.splice(0).map((server) => server.stop()));
      spawnSync('umount', [smallDisk]);
      remove(smallDisk);
    }
  };
  const full = { code: 'failed', message: expect.stringContaining('is full') };

  withMounts('reports a disk that is too small, and leaves no incomplete database', () =>
    mounted('20m', async (dataDir) => {
      await expect(start(dataDir)).rejects.toMatchObject(full);
      expect(readdirSync(dataDir)).toEqual(['postgres.lock']);
    }),
  );

  withMounts('reports a disk that filled up later, and starts again once there is space', () =>
    mounted('80m', async (dataDir) => {
      const server = await start(dataDir);
      await query(server.url, 'create table kept as select 1 as id');
      await server.stop();
      const filler = join(smallDisk, 'filler');
      spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4096']); // until nothing fits
      await expect(start(dataDir)).rejects.toMatchObject(full);
      remove(filler);
      expect(await query((await start(dataDir)).url, 'select id from kept')).toEqual([{ id: 1 }]);
    }),
  );
});

describe('the binaries', () => {
  test('when this platform has no package, then the error says what to do', async () => {
    const account = { owner: null, throughSetpriv: false };
    await expect(provideBinaries(account, folder, 'plan9-mips')).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('DATABASE_URL'),
    });
  });

  asRoot('when other users cannot run them where they are, then a copy with links is', async () => {
    const require = createRequire(import.meta.url);
    const name = `@embedded-postgres/${process.platform}-${process.arch}`;
    const installed = dirname(dirname(require.resolve(name)));
    const source = { root: join(folder, 'package'), version: '17.0.0' };
    mkdirSync(source.root, { mode: 0o700 });
    cpSync(join(installed, 'native'), join(source.root, 'native'), { recursive: true });
    const account = { owner: { uid: 65_534, gid: 65_534 }, throughSetpriv: false };

    const binaries = await provideBinaries(account, folder, '', source);
    expect(binaries.postgres.startsWith(join(folder, 'postgres-binaries-17.0.0'))).toBe(true);
    const options = { uid: 65_534, gid: 65_534, cwd: '/', encoding: 'utf8' } as const;
    expect(spawnSync(binaries.postgres, ['--version'], options).stdout).toContain('PostgreSQL) 17');
    const unreadable = join(source.root, 'native', 'bin', 'postgres');
    expect(spawnSync(unreadable, ['--version'], options).status).not.toBe(0); // control
    expect(existsSync(join(folder, 'postgres-binaries-17.0.0.half'))).toBe(false);
  });
});
