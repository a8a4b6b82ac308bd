import { fork } from 'node:child_process';
import { join } from 'node:path';

import { z } from 'zod';

import type { Variant } from './cells.ts';

export type BenchServer = {
  url: string;
  /** Processor time used since its start, in seconds: all its threads, not the database's. */
  processorSeconds: () => Promise<number>;
  stop: () => Promise<void>;
};

const ready = z.object({ url: z.url() });
const usage = z.object({ user: z.number(), system: z.number() });

/** Starts the whole API as a child process; resolves once it listens. */
export const startServer = async (options: {
  variant: Variant;
  databaseUrl: string;
  /** Where to write a CPU profile when it stops. */
  profileDir: string | undefined;
}): Promise<BenchServer> => {
  const { variant, databaseUrl, profileDir } = options;
  const child = fork(join(import.meta.dirname, 'server.main.ts'), [variant], {
    execArgv: profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: {
      ...process.env,
      DATABASE_URL: databaseUrl,
      HOST: '127.0.0.1',
      PORT: '0',
      MANAGEMENT_PORT: '0',
      LOG_LEVEL: 'warn',
      RATE_LIMITS: 'off',
      BCRYPT_COST: '4', // only while people are made
      JWT_ACCESS_TOKEN_SECONDS: '7200', // longer than a run
      HOLD_MINUTES: '600', // no hold runs out and gives seats back in between
    },
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const nextMessage = (): Promise<unknown> =>
    Promise.race([
      new Promise<unknown>((resolve) => child.once('message', resolve)),
      exited.then(() => Promise.reject(new Error(`the server (${variant}) has ended`))),
    ]);
  return {
    url: ready.parse(await nextMessage()).url,
    processorSeconds: async () => {
      child.send('usage');
      const { user, system } = usage.parse(await nextMessage());
      return (user + system) / 1e6;
    },
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
};
